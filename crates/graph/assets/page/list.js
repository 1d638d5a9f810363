// The list at the left: what a search and the filters leave.

const filters = {
  all: () => true,
  member: (node) => node.class === "member",
  duplicate: (node) => node.duplicates.length > 0,
  host: (node) => node.side === "host",
  tests: (node) => node.kind === "tests",
  changed: (node) => node.isChanged,
};

function listedNodes(graph) {
  const words = byId("search")
    .value.toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const isListed = filters[byId("filter").value];
  const nodes = graph.nodes.filter((node) => isListed(node) && matches(node, words));
  return ordered(nodes, byId("order").value);
}

function showList(graph, chosen) {
  const order = byId("order").value;
  const nodes = listedNodes(graph);
  byId("count").textContent = `${nodes.length} of ${counted(graph.nodes.length, "derivation")}`;
  const numbers = {
    cone: (node) => `${node.cone.crates}`,
    closure: (node) => `${node.closure.crates}`,
    seconds: (node) => (node.seconds === null ? "" : duration(node.seconds)),
    name: () => "",
  };
  const items = nodes.map((node, place) => {
    const link = element(
      "a",
      { class: `crate ${classOf(node)}`, href: hrefOf(node), tabindex: place === 0 ? 0 : -1 },
      element("span", { class: "name" }, node.label),
      element("span", { class: "number" }, numbers[order](node)),
    );
    return element("li", {}, link);
  });
  byId("list").replaceChildren(...items);
  markChosen(chosen);
}

/** Marks the links to the chosen node in the list and in the treemap. */
function markChosen(chosen) {
  const href = chosen === null ? null : hrefOf(chosen);
  for (const link of document.querySelectorAll("#list a, #treemap a")) {
    if (link.getAttribute("href") === href) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  const listed = document.querySelector("#list a[aria-current]");
  if (listed !== null) listed.scrollIntoView({ block: "nearest" });
}
