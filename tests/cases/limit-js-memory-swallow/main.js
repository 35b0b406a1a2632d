const hoard = [];
for (;;) {
  try { hoard.push(new Uint8Array(1e6).fill(1)); } catch { /* asks again */ }
}
