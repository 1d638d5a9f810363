// The graphs, and questions about one of them. A node is a derivation that is shown; `at` is its place in `nodes`.

const data = JSON.parse(document.getElementById("data").textContent);

/** The graph of one platform, with links both ways. */
function readPlatform(platform) {
  const nodes = platform.crates.map((described, at) => ({
    ...data.crates[described],
    at,
    links: [],
    dependents: [],
    cone: platform.cones[at],
    closure: platform.closures[at],
    seconds: platform.seconds[at],
    isChanged: false,
    isFocus: false,
    duplicates: [],
  }));
  const kinds = [
    ["dependencies", "direct"],
    ["build_dependencies", "build"],
    ["over_hidden", "over-hidden"],
  ];
  for (const [list, kind] of kinds) {
    platform[list].forEach((targets, from) => {
      for (const to of targets) {
        nodes[from].links.push({ node: nodes[to], kind });
        nodes[to].dependents.push({ node: nodes[from], kind });
      }
    });
  }
  for (const at of platform.changed) nodes[at].isChanged = true;
  for (const at of platform.focus) nodes[at].isFocus = true;
  const duplicates = platform.duplicates.map((places) => places.map((at) => nodes[at]));
  for (const group of duplicates) for (const node of group) node.duplicates = group;
  for (const node of nodes) {
    node.text = [node.label, `${node.name}@${node.version}`, ...node.features].join("\n").toLowerCase();
  }
  return {
    platform: platform.platform,
    title: platform.title,
    allCrates: platform.all_crates,
    allTests: platform.all_tests,
    nodes,
    byId: new Map(nodes.map((node) => [node.id, node])),
    duplicates,
    hasSeconds: nodes.some((node) => node.seconds !== null),
    hasChanges: platform.changed.length > 0,
  };
}

/** Whether each word of a search is in the name, the version or a feature of a node. */
function matches(node, words) {
  return words.every((word) => node.text.includes(word));
}

/** A shortest path to a node from a member, or from the tests of one if no member needs it; empty if there is none. */
function pathFromMember(node) {
  const starts = [(other) => other.member && other.kind === "crate", (other) => other.member || other.kind === "tests"];
  for (const isStart of starts) {
    const towards = new Map([[node, null]]);
    for (const at of towards.keys()) {
      if (isStart(at)) {
        const path = [];
        for (let step = at; step !== null; step = towards.get(step)) path.push(step);
        return path;
      }
      for (const { node: dependent } of at.dependents) if (!towards.has(dependent)) towards.set(dependent, at);
    }
  }
  return [];
}

const orders = {
  cone: (left, right) => right.cone.crates - left.cone.crates,
  closure: (left, right) => right.closure.crates - left.closure.crates,
  seconds: (left, right) => (right.seconds ?? -1) - (left.seconds ?? -1),
  name: () => 0,
};

/** Nodes in an order of `orders`; what is equal in it, by label. */
function ordered(nodes, order) {
  const byLabel = (left, right) => (left.label < right.label ? -1 : left.label > right.label ? 1 : 0);
  return [...nodes].sort((left, right) => orders[order](left, right) || byLabel(left, right));
}
