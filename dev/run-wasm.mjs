// Runs a WebAssembly file of fixtures/cross, which is a program for WASI or a module: node dev/run-wasm.mjs FILE
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1" });
const module = await WebAssembly.compile(await readFile(process.argv[2]));
const asks = WebAssembly.Module.imports(module).length > 0;
const instance = await WebAssembly.instantiate(module, asks ? wasi.getImportObject() : {});
const { memory, report_length, report_bytes } = instance.exports;
if (report_length === undefined) {
  wasi.start(instance);
} else {
  if (asks) wasi.initialize(instance);
  const length = report_length();
  console.log(new TextDecoder().decode(new Uint8Array(memory.buffer, report_bytes(), length)));
}
