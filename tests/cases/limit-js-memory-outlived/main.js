// Memory that was refused, and done without.
try { new Uint8Array(1e9); } catch { console.log("too much"); }
throw new Error("ordinary failure");
