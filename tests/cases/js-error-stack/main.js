const show = (error) => console.log(error.stack);
class Mine extends TypeError {}
function thrower() {
  throw new Mine("mine");
}
try { thrower(); } catch (error) { show(error); }
try { missing; } catch (error) { show(error); }
try { bailiwick.files.read("/etc/passwd"); } catch (error) { show(error); }
try { Function("let x = ;"); } catch (error) { show(error); }
try { JSON.parse("{x"); } catch (error) { show(error); }
const deep = () => deep();
try { deep(); } catch (error) { console.log(error.stack.split("\n").slice(0, 2)); }
await null;
show(new Error("after await"));
setTimeout(() => {
  show(new Error("in a timer"));
  Error.prepareStackTrace = (error, sites) => sites.map((site) => `${site.getFunctionName()} ${site.getFileName()}:${site.getLineNumber()}`);
  console.log(new Error("sites").stack);
  Error.prepareStackTrace = () => deep();
  try { deep(); } catch (error) { console.log(error.name, error.stack); }
  Error.prepareStackTrace = undefined;
  deep();
});
