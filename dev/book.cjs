// The checks of dev/book: dev/with-chromium dev/book.cjs BOOK SCREENSHOTS. BOOK is the directory of the built book;
// screenshots of some pages are written to SCREENSHOTS.
const assert = require("node:assert/strict");
const { mkdirSync, readFileSync, readdirSync } = require("node:fs");
const { createServer } = require("node:http");
const { extname, join, normalize } = require("node:path");
const { complaintsOf, counted, withChromium } = require("./chromium.cjs");

const [book, screenshots] = process.argv.slice(2);
const screens = {
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 800 } },
};
const shown = ["introduction", "tutorial", "command-line", "errors", "benchmarks"];
/** Words to search for, each with a page that has to be among the results. */
const searches = {
  crateOverrides: "overrides.html",
  "unknown-crate": "errors.html",
  renovate: "staleness.html",
  "remote builders": "remote-builders.html",
};
const types = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml" };

/** Serves the book on a port of the loopback interface. */
async function served(checks) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://book").pathname));
    try {
      const bytes = readFileSync(join(book, path));
      response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await checks(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** All pages of the book. mdBook adds two: a table of contents for browsers without scripts, and "not found". */
function pages() {
  const others = ["404.html", "toc.html"];
  const files = readdirSync(book).filter((file) => file.endsWith(".html") && !others.includes(file));
  assert.ok(files.length > 40, `${files.length} pages`);
  return files;
}

/** What a page has: ids to link to, links, and faults that can be seen in the page alone. */
function contents(page) {
  return page.evaluate(() => {
    const called = (element) => element.outerHTML.slice(0, 120);
    const isWide = (element) => element.scrollWidth > element.clientWidth;
    const wide = [document.documentElement, ...document.querySelectorAll(".page, .content, main")].filter(isWide);
    const main = document.querySelector("main");
    // These scroll within themselves.
    const inside = (element) => element.closest("pre, .table-wrapper, .drawing, .content .buttons");
    const beyond = [...main.querySelectorAll("*")].find(
      (element) => !inside(element) && element.getBoundingClientRect().right > document.documentElement.clientWidth,
    );
    const images = [...document.images].filter((image) => !image.complete || image.naturalWidth === 0);
    return {
      ids: [...document.querySelectorAll("[id]")].map((element) => element.id),
      links: [...document.querySelectorAll("main a[href], nav a[href]")].map((link) => link.href),
      faults: [
        ...wide.map(() => `it is wider than the screen: ${beyond ? called(beyond) : "unknown"}`),
        ...images.map((image) => `there is no such image: ${image.src}`),
      ],
    };
  });
}

/** Links of pages that lead nowhere in the book. Links to other places are not followed. */
function dead(origin, found) {
  const faults = [];
  for (const [file, { links }] of found) {
    for (const link of links.map((link) => new URL(link)).filter((url) => url.origin === origin)) {
      const target = found.get(link.pathname.slice(1) || "index.html");
      const id = decodeURIComponent(link.hash.slice(1));
      if (!target || (id && !target.ids.includes(id))) faults.push(`${file}: a link to ${link.pathname}${link.hash}`);
    }
  }
  return faults;
}

async function open(page, url) {
  await page.goto(url);
  await page.waitForLoadState("load");
}

async function checkSearch(page, origin) {
  const results = page.locator("#mdbook-searchresults > li > a");
  for (const [words, file] of Object.entries(searches)) {
    await open(page, `${origin}/introduction.html`);
    await page.click("#mdbook-search-toggle");
    await page.locator("#mdbook-searchbar").pressSequentially(words);
    const result = page.locator(`#mdbook-searchresults > li > a[href*="${file}"]`).first();
    await result.click();
    await page.waitForURL((url) => url.pathname === `/${file}`);
    await page.locator("main mark").first().waitFor();
  }
  await page.click("#mdbook-search-toggle");
  await page.locator("#mdbook-searchbar").fill("");
  await page.locator("#mdbook-searchbar").pressSequentially("xyzzyplugh");
  await page.getByText("No search results for 'xyzzyplugh'").waitFor();
  assert.equal(await results.count(), 0);
}

/** The checks find one fault of each kind, in a page that has them. */
async function checkFinds(page, origin) {
  await open(page, `${origin}/introduction.html`);
  await page.evaluate(() => {
    const faults = `<p style="width: 400px">wide</p><a href="nowhere.html">a</a><a href="#nowhere">b</a>`;
    document.querySelector("main").insertAdjacentHTML("beforeend", faults + `<img src="data:image/png;base64,">`);
  });
  const found = await contents(page);
  assert.match(found.faults.join("\n"), /wider than the screen: <p style="width: 400px">[^]*no such image: data:/);
  const links = dead(origin, new Map([["introduction.html", found]])).join("\n");
  assert.match(links, /a link to \/nowhere\.html\n[^]*a link to \/introduction\.html#nowhere/);
}

async function main() {
  mkdirSync(screenshots, { recursive: true });
  const { step, end } = counted();
  await served(async (origin) => {
    const isOwn = (url) => url.startsWith(origin) || url.startsWith("data:");
    await withChromium(screens.phone, async (context) => {
      const page = await context.newPage();
      const complaints = complaintsOf(page, isOwn);
      const found = new Map();
      for (const file of pages()) {
        await open(page, `${origin}/${file}`);
        found.set(file, await contents(page));
      }
      await step(`${found.size} pages fit on a phone, and their images are there`, () => {
        const faults = [...found].flatMap(([file, { faults }]) => faults.map((fault) => `${file}: ${fault}`));
        assert.deepEqual(faults, []);
      });
      const links = [...found.values()].flatMap(({ links }) => links).filter((link) => link.startsWith(origin));
      await step(`${links.length} links lead to what is there`, () => assert.deepEqual(dead(origin, found), []));
      await step("search on a phone", () => checkSearch(page, origin));
      // highlight.js does not know `just`, and warns.
      const others = complaints.filter((complaint) => !/language 'just'|no-highlight mode/.test(complaint));
      assert.deepEqual(others, []);
      await step("faults are found", async () => checkFinds(await context.newPage(), origin));
    });
    for (const [screen, options] of Object.entries(screens)) {
      await withChromium(options, async (context) => {
        const page = await context.newPage();
        for (const colorScheme of ["light", "dark"]) {
          await page.emulateMedia({ colorScheme });
          for (const name of shown) {
            await open(page, `${origin}/${name}.html`);
            await page.screenshot({ path: join(screenshots, `${name}-${screen}-${colorScheme}.png`) });
          }
        }
      });
    }
  });
  end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
