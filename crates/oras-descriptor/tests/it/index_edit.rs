//! Editing the index of somebody else.

use oras_descriptor::{Descriptor, DocumentError, Index, IndexEdit, MediaType, annotation, canonical};

const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn edit(text: &str) -> IndexEdit {
    IndexEdit::from_slice(text.replace("{hex}", HEX).as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn text(edit: &IndexEdit) -> String {
    String::from_utf8(edit.to_bytes().to_vec()).unwrap().replace(HEX, "{hex}")
}

#[test]
fn an_unchanged_index_is_written_as_it_was_read() {
    for source in [
        "{}",
        r#"{"manifests":null}"#,
        " { \"x\" : 1.0e1 ,\n\t\"manifests\" : [ {\"digest\":\"sha256:{hex}\" , \"size\":1}\n, null ] } \n",
        r#"{"manifests":[{"digest":"not a digest"}],"schemaVersion":2}"#,
    ] {
        let edit = edit(source);
        assert!(!edit.is_changed());
        assert_eq!(text(&edit), source);
    }
}

#[test]
fn a_new_index_is_an_empty_oci_index() {
    let edit = IndexEdit::new();
    assert_eq!((edit.media_type(), edit.is_empty(), edit.is_changed()), (Some(&MediaType::OCI_INDEX), true, false));
    assert_eq!(edit.to_bytes(), canonical(&Index::new(Vec::new())));
}

#[test]
fn a_new_entry_is_written_as_the_canonical_writer_does() {
    let entries = [Descriptor::of("a/b", b"1").with_annotation("k", "<&>"), Descriptor::of("a/b", b"2")];
    let mut edit = IndexEdit::new();
    entries.iter().for_each(|entry| edit.push(entry));
    assert!(edit.is_changed());
    assert_eq!(edit.to_bytes(), canonical(&Index::new(entries.to_vec())));
}

#[test]
fn an_index_without_entries_takes_them() {
    let desc = Descriptor::of("a/b", b"1");
    let entry = String::from_utf8(canonical(&desc).to_vec()).unwrap();
    for (source, expected) in [
        ("{}", r#"{"manifests":[%]}"#),
        (r#"{"manifests":null,"x":1}"#, r#"{"manifests":[%],"x":1}"#),
        (r#"{"manifests":[ ]}"#, r#"{"manifests":[% ]}"#),
        (r#"{ "x":1 }"#, r#"{ "x":1,"manifests":[%] }"#),
    ] {
        let mut edit = edit(source);
        edit.push(&desc);
        assert_eq!(text(&edit), expected.replace('%', &entry), "{source}");
    }
}

#[test]
fn the_layout_of_a_pretty_document_is_kept() {
    let entry = |digest: &Descriptor| format!(r#"{{"digest":"{}","size":1}}"#, digest.digest);
    let descs = [Descriptor::of("", b"1"), Descriptor::of("", b"2"), Descriptor::of("", b"3")];
    let [first, second, third] = descs.each_ref().map(entry);
    let mut edit = edit(&format!("{{\n  \"manifests\": [\n    {first},\n    {second},\n    {third}\n  ]\n}}\n"));
    edit.retain(|desc| desc.digest != descs[0].digest);
    assert_eq!(text(&edit), format!("{{\n  \"manifests\": [\n    {second},\n    {third}\n  ]\n}}\n"));
}

#[test]
fn an_annotation_is_changed_and_unknown_members_of_the_entry_stay() {
    let source = r#"{"manifests":[{"vendor":{"x":1.0}, "annotations":{ "a":"\u0041", "k":"old" },"digest":"sha256:{hex}","size":1,"annotationz":2},{"digest":"sha256:{hex}","size":1}]}"#;
    let mut edit = edit(source);
    edit.set_annotation(0, "k", Some("<new>"));
    assert_eq!(text(&edit), source.replace(r#""old""#, r#""\u003cnew\u003e""#));
    edit.set_annotation(0, "k", None);
    assert_eq!(text(&edit), source.replace(r#", "k":"old""#, ""));
    edit.set_annotation(0, "a", None);
    assert_eq!(text(&edit), source.replace(r#", "annotations":{ "a":"\u0041", "k":"old" }"#, ""));
    edit.set_annotation(1, "k", Some("v"));
    let annotated: Vec<_> = edit.entries().map(|entry| entry.annotations.get("k").map(String::as_str)).collect();
    assert_eq!(annotated, [None, Some("v")]);
}

#[test]
fn an_annotation_of_a_canonical_entry_leaves_it_canonical() {
    let entry = Descriptor::of("a/b", b"1").with_artifact_type("t/t");
    let mut edit = IndexEdit::from_slice(&canonical(&Index::new(vec![entry.clone()]))).unwrap();
    edit.set_annotation(0, annotation::REF_NAME, Some("v1"));
    let tagged = entry.clone().with_annotation(annotation::REF_NAME, "v1");
    assert_eq!(edit.to_bytes(), canonical(&Index::new(vec![tagged])));
    edit.set_annotation(0, annotation::REF_NAME, None);
    assert_eq!(edit.to_bytes(), canonical(&Index::new(vec![entry])));
}

#[test]
fn setting_what_is_there_already_is_no_change() {
    let mut edit = edit(r#"{"manifests":[{"digest":"sha256:{hex}","size":1,"annotations":{"k":"v"}},null]}"#);
    edit.set_annotation(0, "k", Some("v"));
    edit.set_annotation(0, "other", None);
    edit.set_annotation(1, "k", Some("v"));
    edit.set_annotation(2, "k", Some("v"));
    edit.retain(|_| true);
    assert!(!edit.is_changed());
}

#[test]
fn an_entry_that_is_no_descriptor_is_unseen_and_stays() {
    let source =
        r#"{"manifests":[{"digest":"md5"},{"digest":"sha256:{hex}","size":1},{"digest":"sha256:{hex}","size":-1},7]}"#;
    let mut edit = edit(source);
    assert_eq!((edit.entries().count(), edit.positions(|_| true)), (1, vec![1]));
    edit.retain(|_| false);
    edit.remove_blank();
    assert_eq!(text(&edit), r#"{"manifests":[{"digest":"md5"},{"digest":"sha256:{hex}","size":-1},7]}"#);
    assert!(!edit.is_empty());
}

#[test]
fn blank_entries_are_removed_on_request() {
    let blanks = r#"null,{},{"mediaType":"","digest":"","size":0},{"digest":null,"annotations":{"k":"v"}}"#;
    let mut edit = edit(&format!(r#"{{"manifests":[{blanks}]}}"#));
    edit.remove_blank();
    assert_eq!((text(&edit).as_str(), edit.is_changed()), (r#"{"manifests":[]}"#, true));
    edit.remove_blank();
    assert!(edit.is_empty());
}

#[test]
fn what_is_no_index_is_refused() {
    for bad in [
        "",
        "[]",
        "null",
        "7",
        "{",
        "<html>",
        "{}x",
        "\u{feff}{}",
        r#"{"manifests":{}}"#,
        r#"{"manifests":"x"}"#,
        r#"{"manifests":[],"manifests":[]}"#,
        r#"{"mediaType":1}"#,
        r#"{"manifests":[}"#,
    ] {
        let error = IndexEdit::from_slice(bad.as_bytes()).expect_err(bad);
        assert!(matches!(error, DocumentError::Json { .. }), "{bad}: {error:?}");
    }
    assert!(IndexEdit::from_slice(b"{\"x\":\"\xff\"}").is_err());
}

#[test]
fn the_type_of_the_document_is_told() {
    assert_eq!(edit(r#"{"mediaType":"a/b"}"#).media_type(), Some(&MediaType::new("a/b")));
    assert_eq!(edit(r#"{"mediaType":null}"#).media_type(), None);
}

#[test]
fn ten_thousand_entries_are_edited_in_linear_time() {
    let entries: Vec<_> = (0..10_000_u32).map(|n| Descriptor::of("a/b", &n.to_le_bytes())).collect();
    let mut edit = IndexEdit::from_slice(&canonical(&Index::new(entries))).unwrap();
    for position in edit.positions(|_| true) {
        edit.set_annotation(position, "k", Some("v"));
    }
    let annotated = Index::from_slice(&edit.to_bytes()).unwrap();
    assert!(
        annotated.manifests.len() == 10_000 && annotated.manifests.iter().all(|entry| entry.annotations.len() == 1)
    );
}

#[test]
fn blanks_do_not_multiply() {
    let entry = r#"{"digest":"sha256:{hex}","size":1}"#;
    let source = format!("{{\"manifests\":[{}{}]}}", " ".repeat(1000), vec![entry; 100].join(","));
    let mut edit = edit(&source);
    edit.push(&Descriptor::of("a/b", b"1"));
    assert!(text(&edit).len() < source.len() + 200);
}
