const BYTES = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
if (typeof WebAssembly === "undefined") {
  console.log("absent");
} else {
  for (const act of [() => new WebAssembly.Module(BYTES), () => new WebAssembly.Memory({ initial: 65536 }), () => WebAssembly.instantiate(BYTES, globalThis)]) {
    try {
      console.log(typeof (await act()));
    } catch (error) {
      console.log(error.name);
    }
  }
}
for (const name of ["wasm", "__wasm", "instance", "exports", "memory", "Module", "HEAPU8", "_malloc", "wasmMemory"]) {
  if (name in globalThis) console.log(name, "is a global");
}
