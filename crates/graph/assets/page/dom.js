// Elements. Whatever comes from the data gets into them as text, as a value of an attribute, or not at all.

/** An element with properties or attributes, and children: nodes or texts. */
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const byId = (id) => document.getElementById(id);

/** Where a link to a node leads. */
const hrefOf = (node) => `#${encodeURIComponent(node.id)}`;

const classOf = (node) => (node.isChanged ? `${node.class} changed` : node.class);

function linkTo(node) {
  return element("a", { href: hrefOf(node) }, node.label);
}

function counted(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** Seconds for people. */
function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "13 crates, 2 test suites, 41.0 s", or "13 crates (2.6 % of 504), ..." */
function sizeText(size, of = null) {
  const share = of === null ? "" : ` (${((100 * size.crates) / of).toFixed(1)} % of ${of})`;
  const parts = [counted(size.crates, "crate") + share];
  if (size.tests > 0) parts.push(counted(size.tests, "test suite"));
  if (size.seconds !== null) parts.push(duration(size.seconds));
  return parts.join(", ");
}

const classNames = [
  ["member", "member"],
  ["dependency", "dependency"],
  ["host", "for the build platform"],
  ["tests", "tests"],
];

/** What colours mean, of those in a graph. */
function legendOf(graph) {
  const used = new Set(graph.nodes.map((node) => node.class));
  const entries = classNames.filter(([name]) => used.has(name));
  if (graph.hasChanges) entries.push(["changed", "changed"]);
  return entries.map(([name, text]) => element("span", {}, element("span", { class: `swatch ${name}` }), text));
}

/** Lets arrow keys, Home and End move among the links of an element, of which Tab reaches one alone. */
function moveByArrows(container) {
  const links = () => [...container.querySelectorAll("a")];
  const enter = (link) => {
    for (const other of container.querySelectorAll('a[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    link.setAttribute("tabindex", "0");
  };
  container.addEventListener("focusin", (event) => {
    const link = event.target.closest("a");
    if (link !== null) enter(link);
  });
  container.addEventListener("keydown", (event) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    const steps = {
      ArrowDown: at + 1,
      ArrowRight: at + 1,
      ArrowUp: at - 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: all.length - 1,
    };
    const target = all[steps[event.key]];
    if (target === undefined) return;
    event.preventDefault();
    target.focus();
  });
}
