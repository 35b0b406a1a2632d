console.log("before");
try {
  Function("return " + "(".repeat(1e5) + "1" + ")".repeat(1e5));
} catch (error) {
  console.log(error.name);
}
