// What a test reads of the notebook that is open in JupyterLab.
// Text is read by textContent: innerText is empty for cells outside the window, which the browser does not lay out.

window.notebook = {
  nodes: () => [...document.querySelectorAll(".jp-Notebook-cell")],

  cells: () => notebook.nodes().map((node, number) => {
    const prompt = node.querySelector(".jp-InputPrompt")?.textContent ?? "";
    // The page shows an error as it shows a warning. Which it is, the notebook's model knows.
    const outputs = jupyterapp.shell.currentWidget.content.widgets[number].model.outputs?.toJSON() ?? [];
    return {
      count: Number(/\[(\d+)\]/.exec(prompt)?.[1] ?? 0),
      waiting: prompt.includes("*"),
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
    };
  }),

  // Rendered text without code and formulas.
  words: () => [...document.querySelectorAll(".jp-RenderedMarkdown")].map((text) => {
    const copy = text.cloneNode(true);
    copy.querySelectorAll("code, pre, mjx-container").forEach((part) => part.remove());
    return copy.textContent;
  }),

  active: () => notebook.nodes().findIndex((node) => node.classList.contains("jp-mod-active")),
  editing: () => document.querySelector(".jp-Notebook").classList.contains("jp-mod-editMode"),
  source: () => jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.source,
  saved: () => !jupyterapp.shell.currentWidget.context.model.dirty,
  idle: () => document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status === "idle",
  done: () => notebook.idle() && !notebook.cells().some((cell) => cell.waiting),
  ready: (count) => notebook.nodes().length === count && notebook.idle()
    && document.activeElement.matches(".jp-Notebook-cell"),
};
