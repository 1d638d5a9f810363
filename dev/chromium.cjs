// Headless Chromium for the programs that dev/with-chromium runs.
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { chromium } = require("playwright-core");

/** Calls `checks` with a browser that has an empty profile and does not look for updates. */
async function withChromium(options, checks) {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    colorScheme: "light",
    ...options,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  context.setDefaultTimeout(10_000);
  try {
    await checks(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Errors, warnings and dialogs of a page from now on, and requests that are not allowed. */
function complaintsOf(page, isAllowed) {
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    if (!isAllowed(request.url())) complaints.push(`a request of ${request.url()}`);
  });
  return complaints;
}

/** Runs named checks one after the other, and counts them. */
function counted() {
  let passed = 0;
  return {
    step: async (name, check) => {
      await check();
      passed += 1;
      console.log(`ok: ${name}`);
    },
    end: () => console.log(`${passed} passed, 0 failed`),
  };
}

module.exports = { complaintsOf, counted, withChromium };
