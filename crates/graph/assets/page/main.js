// What is shown, and what changes it.

const graphs = data.platforms.map(readPlatform);
const state = { graph: graphs[0], node: null, tab: "treemap" };
const tabs = ["treemap", "neighbourhood", "duplicates"];

/** All that depends on the platform. */
function showGraph() {
  const { graph } = state;
  byId("totals").textContent =
    `${graph.platform}: ${counted(graph.allCrates, "crate")}, ${counted(graph.allTests, "test suite")}`;
  for (const option of document.querySelectorAll('#order [value="seconds"], #area [value="seconds"]')) {
    option.disabled = !graph.hasSeconds;
  }
  byId("filter").querySelector('[value="changed"]').disabled = !graph.hasChanges;
  byId("legend").replaceChildren(...legendOf(graph));
  showDuplicates(graph);
  showList(graph, state.node);
  showNode();
}

/** All that depends on the chosen crate. */
function showNode() {
  showDetails(state.graph, state.node);
  markChosen(state.node);
  showTab(state.tab);
}

function showTab(tab) {
  state.tab = tab;
  for (const name of tabs) {
    byId(name).hidden = name !== tab;
    byId(`tab-${name}`).setAttribute("aria-selected", `${name === tab}`);
    byId(`tab-${name}`).setAttribute("tabindex", name === tab ? "0" : "-1");
  }
  if (tab === "treemap") showTreemap(state.graph, state.node);
  if (tab === "neighbourhood") showNeighbourhood(state.node);
}

function showDuplicates(graph) {
  if (graph.duplicates.length === 0) {
    byId("duplicates").replaceChildren(
      element("p", { class: "note" }, "No package is built in several versions or with several sets of features."),
    );
    return;
  }
  const groups = graph.duplicates.map((group) => ({
    group,
    cone: group.reduce((sum, node) => sum + node.cone.crates, 0),
    seconds: group.reduce((sum, node) => sum + (node.seconds ?? 0), 0),
  }));
  groups.sort((left, right) => right.seconds - left.seconds || right.cone - left.cone);
  const rows = groups.map(({ group, cone, seconds }) => {
    const versions = new Set(group.map((node) => node.version)).size;
    const several = versions > 1 ? counted(versions, "version") : "sets of features";
    return element(
      "tr",
      {},
      element("td", {}, group[0].name),
      element("td", {}, several),
      element("td", {}, element("div", { class: "chips" }, ...group.map((node) => element("span", {}, linkTo(node))))),
      element("td", { class: "number" }, `${cone}`),
      graph.hasSeconds ? element("td", { class: "number" }, duration(seconds)) : null,
    );
  });
  const headings = ["Package", "Several", "Built as", "Cones, summed up", ...(graph.hasSeconds ? ["Build time"] : [])];
  const head = element(
    "tr",
    {},
    ...headings.map((text, at) => element("th", { class: at > 2 ? "number" : null }, text)),
  );
  byId("duplicates").replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}

/** The node of the address, which links set. */
function nodeOfAddress() {
  try {
    return state.graph.byId.get(decodeURIComponent(location.hash.slice(1))) ?? null;
  } catch {
    return null;
  }
}

byId("title").textContent = data.title;
byId("platform").append(...graphs.map((graph, at) => element("option", { value: at }, graph.platform)));
byId("platform-choice").hidden = graphs.length < 2;
byId("platform").addEventListener("change", () => {
  const id = state.node?.id;
  state.graph = graphs[Number(byId("platform").value)];
  state.node = state.graph.byId.get(id) ?? null;
  showGraph();
});
for (const id of ["search", "filter", "order"])
  byId(id).addEventListener("input", () => showList(state.graph, state.node));
byId("area").addEventListener("input", () => showTreemap(state.graph, state.node));
byId("steps").addEventListener("input", () => showNeighbourhood(state.node));
for (const tab of tabs) byId(`tab-${tab}`).addEventListener("click", () => showTab(tab));
document.querySelector(".tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  showTab(tabs[(tabs.indexOf(state.tab) + step + tabs.length) % tabs.length]);
  byId(`tab-${state.tab}`).focus();
});
byId("search").addEventListener("keydown", (event) => {
  const first = document.querySelector("#list a");
  if (first === null) return;
  if (event.key === "ArrowDown") first.focus();
  if (event.key === "Enter") first.click();
});
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select") !== null;
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId("search").focus();
});
moveByArrows(byId("list"));
moveByArrows(document.querySelector("#treemap .canvas"));
window.addEventListener("hashchange", () => {
  state.node = nodeOfAddress();
  showNode();
});
window.addEventListener("resize", () => showTab(state.tab));

state.node = nodeOfAddress() ?? state.graph.nodes.find((node) => node.isFocus) ?? null;
if (state.node !== null) state.tab = "neighbourhood";
showGraph();
document.documentElement.dataset.ready = "true";
