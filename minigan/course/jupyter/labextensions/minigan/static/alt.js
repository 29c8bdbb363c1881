// JupyterLab shows an output's picture, but not the alternative text that stands in the output's metadata, so a
// screen reader would only say "image". This gives it: each picture is rendered as ever, and then gets its `alt`.
//
// Written by hand as JupyterLab loads its extensions: a container with `init`, which gets what JupyterLab shares, and
// `get`, which gives the extension. There is nothing to build.

(() => {
  const TYPE = "image/png";
  let shared;

  // The one copy of a package that JupyterLab itself uses: a token is only known to the copy that made it.
  async function theirs(name) {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  }

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

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB["minigan"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const { IRenderMimeRegistry } = await theirs("@jupyterlab/rendermime");
      const plugin = {
        id: "minigan:alt",
        description: "Gives the pictures in outputs their alternative text.",
        autoStart: true,
        requires: [IRenderMimeRegistry],
        activate: (app, registry) => {
          const rank = registry.getRank(TYPE) - 1; // before the usual renderer, in the order of what is preferred
          registry.addFactory(withAlt(registry.getFactory(TYPE)), rank);
        },
      };
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
