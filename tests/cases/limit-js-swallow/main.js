console.log("before");
function* stubborn() {
  for (;;) {
    try { yield 1; } catch { console.log("swallowed"); } finally { continue; }
  }
}
outer: for (;;) {
  try {
    for (const _ of stubborn()) { /* without end */ }
  } catch {
    console.log("swallowed");
  } finally {
    continue outer;
  }
}
