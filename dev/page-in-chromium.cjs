// The checks of dev/page-in-chromium: dev/with-chromium dev/page-in-chromium.cjs DIRECTORY
// DIRECTORY has the pages, and the same graphs in the format JSON.
const assert = require("node:assert/strict");
const { readFileSync, statSync } = require("node:fs");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { complaintsOf, counted, withChromium } = require("./chromium.cjs");

const directory = process.argv[2];
const read = (name) => JSON.parse(readFileSync(join(directory, name), "utf8"));
const graph = read("page.json");
const byId = new Map(graph.derivations.map((derivation) => [derivation.id, derivation]));
const crates = graph.derivations.filter((derivation) => derivation.kind === "crate");
const mostBytes = 1_000_000;
const list = "#list a";

/** Opens a page in a new tab and runs checks in it. The page must cause no error, and request nothing but itself. */
async function withPage(context, name, checks) {
  const page = await context.newPage();
  const url = pathToFileURL(join(directory, name)).href;
  const complaints = complaintsOf(page, (wanted) => wanted.split("#")[0] === url);
  const begin = performance.now();
  await page.goto(url);
  await page.waitForSelector("html[data-ready]", { timeout: 20_000 }).catch((error) => {
    throw new Error(`${name} does not become ready: ${complaints.join("; ")}`, { cause: error });
  });
  const milliseconds = performance.now() - begin;
  await checks(page, milliseconds);
  assert.deepEqual(complaints, [], `${name} complains`);
  await page.close();
}

const texts = (page, selector) => page.locator(selector).allTextContents();

/** Waits until the page shows the details of a crate. */
function shows(page, label) {
  return page.waitForFunction((wanted) => document.querySelector("#details h2")?.textContent === wanted, label);
}

/** Checks that the page shows the same details of the selected crate as the JSON. */
async function checkDetails(page, derivation) {
  await shows(page, derivation.label);
  const fact = (name) => page.locator(`#details [data-fact="${name}"]`).textContent();
  assert.equal(await fact("Version"), derivation.version);
  assert.equal(await fact("Source"), derivation.source ?? "this workspace");
  const { cone, closure } = derivation;
  const percent = ((100 * cone.crates) / graph.all.crates).toFixed(1);
  const share = `(${percent} % of ${graph.all.crates})`.replace(/[().]/g, "\\$&");
  assert.match(await fact("Cone"), new RegExp(`^${cone.crates} crates? ${share}`));
  if (cone.tests > 0) assert.match(await fact("Cone"), new RegExp(`, ${cone.tests} test suites?`));
  assert.match(await fact("Closure"), new RegExp(`^${closure.crates} crates?\\b`));
  if (derivation.seconds !== null && derivation.seconds < 60) {
    assert.equal(await fact("Build time"), `${derivation.seconds.toFixed(1)} s`);
  }
  assert.deepEqual(await texts(page, '#details [data-list="features"] > span'), derivation.features);

  const labels = (ids) => ids.map((id) => byId.get(id).label).sort();
  const linked = async (name) => (await texts(page, `#details [data-list="${name}"] a`)).sort();
  assert.deepEqual(
    await linked("dependencies"),
    labels([...derivation.dependencies, ...derivation.build_dependencies]),
  );
  const needs = (other) => [...other.dependencies, ...other.build_dependencies].includes(derivation.id);
  assert.deepEqual(await linked("dependents"), labels(graph.derivations.filter(needs).map((other) => other.id)));

  if (derivation.member) {
    const reason = derivation.kind === "tests" ? "These are the tests of a member" : "It is a member";
    await page.getByText(`${reason} of the workspace.`).waitFor();
    return;
  }
  const hrefs = await page.locator('#details [data-list="path"] a').evaluateAll((all) => all.map((link) => link.hash));
  const path = hrefs.map((hash) => byId.get(decodeURIComponent(hash.slice(1))));
  assert.ok(path[0].member, "the path begins with a member");
  assert.equal(path.at(-1).id, derivation.id);
  for (const [at, step] of path.slice(1).entries()) {
    assert.ok([...path[at].dependencies, ...path[at].build_dependencies].includes(step.id), "the path follows edges");
  }
}

/** Selects a crate in the list by its label. */
async function choose(page, derivation) {
  await page.fill("#search", `${derivation.name}@${derivation.version}`);
  await page
    .locator(list)
    .filter({ has: page.getByText(derivation.label, { exact: true }) })
    .first()
    .click();
  await shows(page, derivation.label);
}

async function checkSearchAndDetails(page) {
  assert.equal(await page.locator(list).count(), graph.derivations.length);
  assert.equal(
    await page.locator("#count").textContent(),
    `${graph.derivations.length} of ${graph.derivations.length} derivations`,
  );
  const first = [...crates].sort((left, right) => right.cone.crates - left.cone.crates)[0];
  assert.equal(
    await page.locator(`${list} .number`).first().textContent(),
    `${first.cone.crates}`,
    "the largest cone first",
  );

  await page.fill("#search", "TLS");
  const withFeature = graph.derivations.filter(
    ({ features, name }) => features.includes("tls") || name.includes("tls"),
  );
  assert.ok(withFeature.length > 0 && withFeature.length < graph.derivations.length);
  assert.equal(await page.locator(list).count(), withFeature.length);
  await page.fill("#search", "no such crate");
  assert.equal(await page.locator(list).count(), 0);

  const shown = [
    crates[0],
    crates[7],
    crates.at(-1),
    crates.find(({ side }) => side === "host"),
    graph.derivations.at(-1),
  ];
  for (const derivation of shown) {
    await choose(page, derivation);
    await checkDetails(page, derivation);
  }
  await page.goBack();
  await checkDetails(page, shown.at(-2));
}

async function checkTreemap(page) {
  await page.click("#tab-treemap");
  const tiles = () =>
    page.locator("#treemap svg a").evaluateAll((all) =>
      all.map((link) => {
        const { width, height } = link.querySelector("rect");
        return { hash: link.getAttribute("href"), area: width.baseVal.value * height.baseVal.value };
      }),
    );
  const byCone = await tiles();
  assert.equal(byCone.length, crates.length, "each crate is a tile");
  const derivationOf = ({ hash }) => byId.get(decodeURIComponent(hash.slice(1)));
  const sum = (numbers) => numbers.reduce((left, right) => left + right, 0);
  const areas = sum(byCone.map((tile) => tile.area));
  const cones = sum(crates.map((derivation) => derivation.cone.crates));
  for (const tile of byCone) {
    const expected = (areas * derivationOf(tile).cone.crates) / cones;
    if (expected > 2000)
      assert.ok(tile.area > expected * 0.6 && tile.area < expected * 1.5, `${tile.area} for ${expected}`);
  }
  await page.selectOption("#area", "seconds");
  const bySeconds = await tiles();
  assert.equal(bySeconds.length, crates.filter((derivation) => derivation.seconds > 0).length);
  const largest = bySeconds.reduce((left, right) => (left.area > right.area ? left : right));
  const longest = Math.max(...crates.map((derivation) => derivation.seconds ?? 0));
  assert.ok(derivationOf(largest).seconds > longest * 0.8, "the largest tile takes longest");
  await page.selectOption("#area", "cone");
  await page.locator("#treemap svg a").nth(3).click();
  await checkDetails(page, derivationOf((await tiles())[3]));
}

async function checkNeighbourhood(page) {
  const derivation = crates.find(({ dependencies, member }) => dependencies.length > 2 && !member);
  await choose(page, derivation);
  await page.click("#tab-neighbourhood");
  const needs = (other) => [...other.dependencies, ...other.build_dependencies].includes(derivation.id);
  const around =
    graph.derivations.filter(needs).length + derivation.dependencies.length + derivation.build_dependencies.length;
  const links = page.locator("#neighbourhood svg a");
  assert.equal(await links.count(), Math.min(around, 60) + 1);
  assert.ok((await page.locator("#neighbourhood svg > path").count()) >= around);
  const boxes = await links
    .locator("rect")
    .evaluateAll((all) =>
      all.map((rect) => [rect.x, rect.y, rect.width, rect.height].map((length) => length.baseVal.value)),
    );
  for (const [at, [x, y, width, height]] of boxes.entries()) {
    for (const [left, top, wide, high] of boxes.slice(at + 1)) {
      assert.ok(
        x + width <= left || left + wide <= x || y + height <= top || top + high <= y,
        "no box overlaps another",
      );
    }
  }
  const neighbour = byId.get(derivation.dependencies[0]);
  await links.filter({ hasText: neighbour.label }).first().click();
  await checkDetails(page, neighbour);
  assert.equal(await page.locator("#neighbourhood a[aria-current] title").textContent(), neighbour.label);
  await page.selectOption("#steps", "2");
  assert.ok((await links.count()) > 2);
}

async function checkDuplicates(page) {
  const kinds = new Map();
  for (const { name, version, source, features } of crates) {
    kinds.set(name, (kinds.get(name) ?? new Set()).add(JSON.stringify([version, source, features])));
  }
  const names = [...kinds]
    .filter(([, several]) => several.size > 1)
    .map(([name]) => name)
    .sort();
  assert.ok(names.length > 0);
  await page.click("#tab-duplicates");
  assert.deepEqual((await texts(page, "#duplicates tbody tr td:first-child")).sort(), names);
  await page.fill("#search", "");
  await page.selectOption("#filter", "duplicate");
  assert.equal(await page.locator(list).count(), crates.filter(({ name }) => names.includes(name)).length);
  await page.selectOption("#filter", "all");
}

async function checkKeys(page) {
  await page.click("#tab-treemap");
  await page.keyboard.press("/");
  await page.keyboard.type("app");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const second = await page.locator(`${list} .name`).nth(1).textContent();
  await page.keyboard.press("Enter");
  await shows(page, second);
  await page.click("#tab-treemap");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.locator("#neighbourhood").isVisible(), true);
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.locator("#treemap").isVisible(), true);
  const tabStops = await page.locator('#list a[tabindex="0"], #treemap a[tabindex="0"]').count();
  assert.equal(tabStops, 2, "the list and the treemap have one tab stop each");
}

async function checkPlatforms(page) {
  await page.selectOption("#platform", "1");
  const totals = await page.locator("#totals").textContent();
  assert.match(totals, /^aarch64-apple-darwin: 475 crates/);
  await page.selectOption("#platform", "0");
}

async function checkColours(page) {
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await back();
  await page.emulateMedia({ colorScheme: "dark" });
  assert.notEqual(await back(), light);
  await page.screenshot({ path: join(directory, "dark.png") });
  await page.emulateMedia({ colorScheme: "light" });
}

async function checkHostile(page) {
  const hostile = read("hostile.json");
  assert.equal(await page.locator("img, b, h1 *, #details script").count(), 0);
  assert.notEqual(await page.title(), "owned");
  const names = (await texts(page, `${list} .name`)).sort();
  assert.deepEqual(names, hostile.derivations.map((derivation) => derivation.label).sort());
  for (const at of names.keys()) {
    await page.locator(list).nth(at).click();
    const label = await page.locator(`${list} .name`).nth(at).textContent();
    await shows(page, label);
    for (const tab of ["duplicates", "neighbourhood", "treemap"]) await page.click(`#tab-${tab}`);
  }
  assert.deepEqual(await texts(page, '#details [data-list="features"] > span'), hostile.derivations[0].features);
  assert.equal(await page.locator("img, b, #details script").count(), 0);
  assert.notEqual(await page.title(), "owned");
}

/** Checks the labels and the number of arrows in drawings that Graphviz and Mermaid make. */
async function checkOthers(context, name) {
  const expected = read(`${name}.json`).derivations;
  const withoutControls = (text) => text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, "\ufffd");
  // Pictures collapse spaces.
  const tidy = (labels) => labels.map((label) => withoutControls(label).replace(/\s+/g, " ").trim()).sort();
  const labels = tidy(expected.map((derivation) => derivation.label));
  const arrows = expected.reduce(
    (sum, { dependencies, build_dependencies }) => sum + dependencies.length + build_dependencies.length,
    0,
  );
  const page = await context.newPage();
  const graphviz = await page.evaluate(
    (text) => {
      const drawing = new DOMParser().parseFromString(text, "image/svg+xml");
      return {
        labels: [...drawing.querySelectorAll("g.node text")].map((node) => node.textContent),
        ids: [...drawing.querySelectorAll("g.node")].map((node) => node.id),
        tooltips: [...drawing.querySelectorAll("g.node a")].map((node) => node.getAttribute("xlink:title")),
        arrows: drawing.querySelectorAll("g.edge").length,
      };
    },
    readFileSync(join(directory, `${name}.dot.svg`), "utf8"),
  );
  assert.deepEqual(tidy(graphviz.labels), labels);
  const attribute = (text) => text.replaceAll("\\", "\u29f5");
  assert.deepEqual(tidy(graphviz.ids), tidy(expected.map((derivation) => attribute(derivation.id))));
  for (const { features } of expected) {
    const all = tidy([attribute(features.join(" "))])[0];
    assert.ok(
      tidy(graphviz.tooltips).some((tooltip) => tooltip.includes(all)),
      all,
    );
  }
  assert.equal(graphviz.arrows, arrows);

  await page.addScriptTag({ path: process.env.MERMAID });
  const mermaid = await page.evaluate(
    async (text) => {
      window.mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
      const { svg } = await window.mermaid.render("drawing", text);
      document.body.innerHTML = svg;
      return {
        labels: [...document.querySelectorAll(".node .nodeLabel")].map((node) => node.textContent),
        arrows: document.querySelectorAll(".edgePaths path, path.flowchart-link").length,
        title: document.querySelector(".flowchartTitleText")?.textContent,
        foreign: document.body.querySelectorAll("img, b, strong, script, a").length,
      };
    },
    readFileSync(join(directory, `${name}.mmd`), "utf8"),
  );
  assert.deepEqual(tidy(mermaid.labels), labels);
  assert.equal(mermaid.arrows, arrows);
  assert.match(mermaid.title, /^example workspace, /);
  assert.equal(mermaid.foreign, 0);
  assert.notEqual(await page.title(), "owned");
  await page.close();
}

async function main() {
  const { step, end } = counted();
  await withChromium({ viewport: { width: 1280, height: 800 } }, async (context) => {
    await withPage(context, "page.html", async (page, milliseconds) => {
      await step("size", () => {
        const bytes = statSync(join(directory, "page.html")).size;
        console.log(`500 crates on two platforms: ${bytes} bytes, loaded in ${milliseconds.toFixed(0)} ms`);
        assert.ok(bytes < mostBytes);
      });
      await page.screenshot({ path: join(directory, "treemap.png") });
      await step("search and details", () => checkSearchAndDetails(page));
      await step("treemap", () => checkTreemap(page));
      await step("neighbourhood", () => checkNeighbourhood(page));
      await step("duplicates", () => checkDuplicates(page));
      await step("keys", () => checkKeys(page));
      await step("platforms", () => checkPlatforms(page));
      await step("light and dark", () => checkColours(page));
    });
    await withPage(context, "around.html", async (page) => {
      await step("a page around a crate starts with that crate", async () => {
        assert.match(await page.locator("#details h2").textContent(), /^serde-core /);
        assert.equal(await page.locator("#neighbourhood").isVisible(), true);
        assert.ok((await page.locator(list).count()) < 100);
      });
      await page.screenshot({ path: join(directory, "neighbourhood.png") });
    });
    await withPage(context, "changed.html", async (page) => {
      await step("changed crates are highlighted", async () => {
        const root = crates.filter(({ name }) => name === "serde-core");
        assert.equal(root.length, 1);
        assert.equal(await page.locator("#treemap a.changed").count(), root[0].cone.crates);
        await page.selectOption("#filter", "changed");
        assert.equal(await page.locator(list).count(), root[0].cone.crates + root[0].cone.tests);
      });
      await page.screenshot({ path: join(directory, "changed.png") });
    });
    await withPage(context, "hostile.html", async (page) => {
      await step("hostile names", () => checkHostile(page));
    });
    for (const name of ["40", "hostile"]) {
      await step(`Graphviz and Mermaid draw ${name}`, () => checkOthers(context, name));
    }
  });
  end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
