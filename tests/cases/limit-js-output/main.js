for (let line = 0; ; line++) {
  try { console.log(`line ${line} of the flood`); } catch { /* goes on */ }
}
