// A dispatch namespace for local runs, as a plugin of Miniflare's: it has none of its own. A binding over the Workers of
// this runtime with the platform's interface, `get(name)` → the Worker, synchronously.
const MODULE = "local-dispatch-namespace:binding";

const SOURCE = `
  export default (env) => ({
    get(name) {
      if (!Object.hasOwn(env, name)) throw new Error("Worker not found.");
      return env[name];
    },
  });
`;

function bindings(options) {
  return Object.entries(options.config.env ?? {}).filter(([, binding]) => binding.type === "unsafe:dispatch-namespace");
}

const plugin = {
  bindingTypeDescription: "Dispatch namespace",
  async getBindings(options) {
    return bindings(options).map(([name, { dev }]) => ({
      name,
      wrapped: {
        moduleName: MODULE,
        innerBindings: Object.entries(dev.options.workers).map(([script, worker]) => ({
          name: script,
          service: { name: `core:user:${worker}` },
        })),
      },
    }));
  },
  getNodeBindings: () => ({}),
  getServices: async () => [],
  getExtensions: () => [{ modules: [{ name: MODULE, esModule: SOURCE, internal: true }] }],
};

export const plugins = { "local-dispatch-namespace": plugin };
