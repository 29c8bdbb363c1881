// What a test reads of the notebook that is open in JupyterLab.
// Text is read by textContent: innerText is empty for cells outside the window, which the browser does not lay out.

// What would need a static picture beside it, or could flash. `details`, which a chapter may hold, is neither.
const CONTROLS = ["input", "button", "select", "canvas", "video", "audio", "iframe", "marquee", "[src*='image/gif']"]
  .flatMap((kind) => [`.jp-OutputArea ${kind}`, `.jp-RenderedMarkdown ${kind}`]).join();

window.notebook = {
  panel: () => jupyterapp.shell.currentWidget,
  nodes: () => [...document.querySelectorAll(".jp-Notebook-cell")],

  cells: () => notebook.nodes().map((node, number) => {
    // A closed cell shows no count, and an error is shown as a warning is. The notebook's widgets know them.
    const { model } = notebook.panel().content.widgets[number];
    const outputs = model.outputs?.toJSON() ?? [];
    return {
      count: notebook.count(number),
      rendered: node.classList.contains("jp-mod-rendered"),
      formulas: node.querySelectorAll(".jp-RenderedMarkdown mjx-container").length,
      broken: node.querySelectorAll("mjx-merror").length,
      outputs: [...node.querySelectorAll(".jp-OutputArea-output")].map((output, place) => ({
        kind: outputs[place].name ?? outputs[place].output_type,
        text: output.textContent,
      })),
      pictures: [...node.querySelectorAll(".jp-OutputArea img, .jp-RenderedMarkdown img")].map((picture) => ({
        alt: picture.alt,
        width: picture.naturalWidth,
      })),
      controls: [...node.querySelectorAll(CONTROLS)].map((control) => control.outerHTML.slice(0, 120)),
    };
  }),

  // Rendered text without code and formulas.
  words: () => [...document.querySelectorAll(".jp-RenderedMarkdown")].map((text) => {
    const copy = text.cloneNode(true);
    copy.querySelectorAll("code, pre, mjx-container").forEach((part) => part.remove());
    return copy.textContent;
  }),

  // The ways in which lines of outputs that are too long are broken.
  breaks: () => [...new Set([...document.querySelectorAll(".jp-OutputArea-output pre")]
    .map((text) => getComputedStyle(text).wordBreak))],

  // Pixels down to the end of the last cell. JupyterLab lets one scroll on from there.
  height: () => {
    const { top } = notebook.nodes()[0].getBoundingClientRect();
    return Math.ceil(notebook.nodes().at(-1).getBoundingClientRect().bottom - top);
  },

  active: () => notebook.nodes().findIndex((node) => node.classList.contains("jp-mod-active")),
  editing: () => document.querySelector(".jp-Notebook").classList.contains("jp-mod-editMode"),
  source: () => notebook.panel().content.activeCell.model.sharedModel.source,
  saved: () => !notebook.panel().context.model.dirty,
  idle: () => document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status === "idle",
  count: (number) => notebook.panel().content.widgets[number].model.executionCount ?? 0,
  waiting: () => notebook.panel().content.widgets.some((cell) => cell.prompt === "*"),
  done: () => notebook.idle() && !notebook.waiting(),
  ready: (count) => notebook.nodes().length === count && notebook.idle()
    && document.activeElement.matches(".jp-Notebook-cell"),
};
