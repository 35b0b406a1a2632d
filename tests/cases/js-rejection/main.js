const late = Promise.reject(new Error("handled"));
late.catch((error) => console.log(error.message));
async function lost() {
  throw new TypeError("nobody waits for me");
}
lost();
result = "never";
