// What the course adds to JupyterLab, for those who cannot see its pictures, for those who use no mouse, and for
// those who read long lines.
//
// Written by hand as JupyterLab loads its extensions: a container with `init`, which gets what JupyterLab shares, and
// `get`, which gives the plugins. There is nothing to build.

(() => {
  let shared;

  // The one copy of a package that JupyterLab itself uses: a token is only known to the copy that made it.
  async function theirs(name) {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  }

  // JupyterLab shows an output's picture, but not the alternative text that stands in the output's metadata, so a
  // screen reader would only say "image". Each picture is rendered as ever, and then gets its `alt`.
  const TYPE = "image/png";

  function withAlt(usual) {
    return {
      safe: true,
      mimeTypes: [TYPE],
      createRenderer(options) {
        const renderer = usual.createRenderer(options);
        const render = renderer.renderModel.bind(renderer);
        renderer.renderModel = async (model) => {
          await render(model);
          const picture = renderer.node.querySelector("img");
          const alt = model.metadata[TYPE]?.alt;
          if (picture && alt) picture.alt = alt;
        };
        return renderer;
      },
    };
  }

  const alt = async () => ({
    id: "minigan:alt",
    description: "Gives the pictures in outputs their alternative text.",
    autoStart: true,
    requires: [(await theirs("@jupyterlab/rendermime")).IRenderMimeRegistry],
    activate: (app, registry) => {
      const rank = registry.getRank(TYPE) - 1; // before the usual renderer, in the order of what is preferred
      registry.addFactory(withAlt(registry.getFactory(TYPE)), rank);
    },
  });

  // The arrow keys pass over a cell whose code is closed, such as a check of an exercise. Here they stop at it.
  function walk(app, notebook, step, usual) {
    let next = notebook.activeCellIndex + step;
    while (notebook.widgets[next]?.isHidden) next += step; // under a heading that is closed
    if (!notebook.widgets[next]?.inputHidden) return app.commands.execute(usual);
    notebook.deselectAll();
    notebook.activeCellIndex = next;
    notebook.activeCell.node.focus();
  }

  const arrows = async () => ({
    id: "minigan:arrows",
    description: "Lets the arrow keys stop at cells whose code is closed.",
    autoStart: true,
    requires: [(await theirs("@jupyterlab/notebook")).INotebookTracker],
    activate: (app, tracker) => {
      for (const [key, step, usual] of [
        ["ArrowDown", 1, "notebook:move-cursor-down"],
        ["ArrowUp", -1, "notebook:move-cursor-up"],
      ]) {
        const command = `minigan:${key}`;
        app.commands.addCommand(command, {
          label: `Select the next cell (${key})`,
          execute: () => walk(app, tracker.currentWidget.content, step, usual),
        });
        // The usual selector and `.jp-Cell`: the binding that says more of the place goes first.
        const selector = ".jp-Notebook.jp-mod-commandMode:not(.jp-mod-readWrite) .jp-Cell:focus";
        app.commands.addKeyBinding({ command, keys: [key], selector });
      }
    },
  });

  // JupyterLab breaks a long line of an output anywhere, also in the middle of a number. Between words it can be read.
  const lines = async () => ({
    id: "minigan:lines",
    description: "Breaks the long lines of outputs between words.",
    autoStart: true,
    activate: () => {
      const style = document.createElement("style");
      style.textContent = ".jp-Notebook .jp-OutputArea-output pre { word-break: normal; }";
      document.head.append(style);
    },
  });

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB["minigan"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const plugins = [await alt(), await arrows(), await lines()];
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
