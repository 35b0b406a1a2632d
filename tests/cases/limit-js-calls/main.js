for (let n = 0; ; n++) {
  try { await fetch(`http://10.0.0.1/${n}`); } catch { /* goes on */ }
}
