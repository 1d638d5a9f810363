//! tree-sitter's C library and a grammar in C: a syntax tree, and a query on it.

use tree_sitter::{Parser, Query, QueryCursor, StreamingIterator};

fn main() {
    let language = tree_sitter_json::LANGUAGE.into();
    let mut parser = Parser::new();
    parser.set_language(&language).unwrap();
    let text = r#"{"a": [1, null, {"b": "c"}], "d": }"#;
    let tree = parser.parse(text, None).unwrap();
    println!("{}", tree.root_node().to_sexp());
    let query = Query::new(&language, "(pair key: (string (string_content) @key))").unwrap();
    let mut cursor = QueryCursor::new();
    let mut matches = cursor.matches(&query, tree.root_node(), text.as_bytes());
    while let Some(found) = matches.next() {
        for capture in found.captures() {
            println!("{:?} {}", capture.node.range(), &text[capture.node.byte_range()]);
        }
    }
}
