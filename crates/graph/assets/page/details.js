// The column at the right: all about the chosen crate.

const sides = {
  target: "for the target",
  host: "for the platform that compiles: build scripts and procedural macros",
  test: "for tests",
};

function showDetails(graph, node) {
  if (node === null) {
    const hint = "Choose a crate in the list or in a drawing.";
    byId("details").replaceChildren(element("p", { class: "note" }, hint));
    return;
  }
  const facts = [
    ["Package", node.name],
    ["Version", node.version],
    ["Source", node.source ?? "this workspace"],
    ["Directory", node.source === null ? node.dir || "the workspace root" : null],
    ["Built", sides[node.side]],
    ["Cone", sizeText(node.cone, graph.allCrates)],
    ["Closure", sizeText(node.closure)],
    ["Build time", node.seconds === null ? (graph.hasSeconds ? "unknown" : null) : duration(node.seconds)],
    ["Changed", node.isChanged ? "yes" : null],
  ];
  const list = element("dl", {});
  for (const [name, value] of facts) {
    if (value !== null) list.append(element("dt", {}, name), element("dd", { "data-fact": name }, value));
  }
  const others = node.duplicates.filter((other) => other !== node);
  byId("details").replaceChildren(
    element("h2", {}, node.label),
    list,
    ...part("Why it is there", reason(node)),
    ...part(`Features (${node.features.length})`, chips("features", node.features)),
    ...part(`Direct dependencies (${node.links.length})`, links("dependencies", node.links)),
    ...part(`Direct dependents (${node.dependents.length})`, links("dependents", node.dependents)),
    ...part(`Also built as (${others.length})`, chips("others", others.map(linkTo))),
  );
}

/** A heading with what is below it, if anything is. */
function part(heading, content) {
  return content === null ? [] : [element("h3", {}, heading), ...content];
}

function reason(node) {
  if (node.kind === "tests") return [element("p", {}, "These are the tests of a member of the workspace.")];
  if (node.member) return [element("p", {}, "It is a member of the workspace.")];
  const path = pathFromMember(node);
  return path.length === 0 ? null : [element("p", { class: "path", "data-list": "path" }, ...path.map(linkTo))];
}

function chips(name, entries) {
  if (entries.length === 0) return null;
  return [element("div", { class: "chips", "data-list": name }, ...entries.map((entry) => element("span", {}, entry)))];
}

function links(name, edges) {
  const notes = { build: " (build script)", "over-hidden": " (indirectly)" };
  const nodes = new Map(edges.map((edge) => [edge.node, edge.kind]));
  const entries = ordered([...nodes.keys()], "name").map((node) => {
    const link = element("span", {}, linkTo(node));
    link.append(notes[nodes.get(node)] ?? "");
    return link;
  });
  return chips(name, entries);
}
