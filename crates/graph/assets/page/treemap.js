// Crates as areas: how much each costs, when it changes or when it is built.

const areas = {
  cone: (node) => node.cone.crates,
  seconds: (node) => node.seconds ?? 0,
};

/** Draws the treemap as large as its place. Colours by class; members, dependencies and the rest lie together. */
function showTreemap(graph, chosen) {
  const canvas = document.querySelector("#treemap .canvas");
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0 || height === 0) return;
  const area = areas[byId("area").value];
  const groups = classNames
    .filter(([name]) => name !== "tests")
    .map(([name, text]) => ({ text, children: graph.nodes.filter((node) => node.class === name && area(node) > 0) }))
    .filter((group) => group.children.length > 0);
  const root = d3.hierarchy({ children: groups }, (datum) => datum.children);
  root.sum((datum) => (datum.children === undefined ? area(datum) : 0));
  root.sort((left, right) => right.value - left.value);
  d3
    .treemap()
    .size([width, height])
    .paddingTop((group) => (group.depth === 1 ? 16 : 0))
    .paddingInner(1)
    .round(true)(root);

  const headings = (root.children ?? []).map((group) => {
    const text = svgElement(
      "text",
      { x: group.x0 + 2, y: group.y0 + 12 },
      fitting(group.data.text, group.x1 - group.x0),
    );
    return svgElement("g", { class: "group" }, text);
  });
  const tiles = groups.length === 0 ? [] : root.leaves().map((leaf, place) => tile(leaf, place));
  const drawing = svgElement("svg", { width, height, role: "group", "aria-label": "Treemap of crates" });
  drawing.append(...headings, ...tiles);
  canvas.replaceChildren(drawing);
  markChosen(chosen);
}

function tile(leaf, place) {
  const { data: node, x0, y0, x1, y1 } = leaf;
  const more = node.seconds === null ? "" : `, ${duration(node.seconds)} to build it`;
  const about = `${node.label}: a change builds ${sizeText(node.cone)}${more}`;
  const attributes = { class: classOf(node), href: hrefOf(node), tabindex: place === 0 ? 0 : -1, "aria-label": about };
  const rectangle = svgElement("rect", { x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) });
  const link = svgElement("a", attributes, svgElement("title", {}, about), rectangle);
  const text = y1 - y0 < 13 ? "" : fitting(node.name, x1 - x0);
  if (text !== "") link.append(svgElement("text", { x: x0 + 3, y: y0 + 11 }, text));
  return link;
}

/** As much of a text as there is room for; nothing rather than two letters. */
function fitting(text, width) {
  const letters = Math.floor((width - 6) / 6.3);
  if (text.length <= letters) return text;
  return letters < 4 ? "" : `${text.slice(0, letters - 1)}…`;
}
