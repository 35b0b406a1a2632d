const grow = (name, step) => {
  let state;
  try {
    for (;;) state = step(state);
  } catch (error) {
    state = null;
    // QuickJS throws `null` when there is no room left even for the error.
    console.log(name, error === null || error.name === "InternalError");
  }
};
grow("array", (a = []) => (a.push(new Array(100).fill(a.length)), a));
grow("text", (s = "xy") => s + s);
grow("map", (m = new Map()) => m.set({}, "x".repeat(100) + m.size));
grow("closure", (f = () => 0) => ((g) => () => g)(f));
result = "goes on";
