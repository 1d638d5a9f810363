//! The parts of CycloneDX that are needed. Fields are in byte order of their names.

use std::collections::BTreeSet;

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    pub(super) bom_format: &'static str,
    pub(super) components: Vec<Component<'a>>,
    pub(super) dependencies: Vec<Dependency<'a>>,
    pub(super) metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) spec_version: &'static str,
    pub(super) version: u32,
}

impl Document<'_> {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings, numbers and lists are valid JSON")
    }
}

#[derive(Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) component: Component<'a>,
    pub(super) properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Tools<'a>>,
}

#[derive(Serialize)]
pub(super) struct Tools<'a> {
    pub(super) components: [Tool<'a>; 1],
}

#[derive(Serialize)]
pub(super) struct Tool<'a> {
    pub(super) name: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    #[serde(rename = "bom-ref")]
    pub(super) reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_references: Vec<ExternalReference<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<License>,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
    pub(super) purl: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) version: &'a str,
}

#[derive(Serialize)]
pub(super) struct ExternalReference<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) url: &'a str,
}

#[derive(Serialize)]
pub(super) struct Hash<'a> {
    pub(super) alg: &'static str,
    pub(super) content: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum License {
    Expression { expression: String },
    Named { license: LicenseName },
}

#[derive(Serialize)]
pub(super) struct LicenseName {
    pub(super) name: String,
}

#[derive(Serialize)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency<'a> {
    pub(super) depends_on: &'a BTreeSet<&'a str>,
    #[serde(rename = "ref")]
    pub(super) reference: &'a str,
}
