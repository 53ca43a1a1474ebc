// Starts the page. It is a file of its own because the Content-Security-Policy forbids inline scripts.
const { js, wasm } = document.getElementById("boot").dataset;
const { default: init } = await import(js);
await init({ module_or_path: wasm });
