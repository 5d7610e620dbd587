//! The paths that the documentation promises lead to what they say.

use oras::copy::CopyOptions;

#[test]
fn the_function_copy_stands_beside_the_module_copy() {
    let store = oras::memory::MemoryStore::new();
    let options = CopyOptions::default();
    // That this compiles is the test: one name, a function and a module.
    drop(oras::copy(&store, "v1", &store, "v2", &options));
}

#[test]
fn what_the_design_names_is_at_its_path() {
    fn names<T>() -> &'static str {
        std::any::type_name::<T>().rsplit("::").next().unwrap_or_default()
    }
    let found = [
        names::<oras::Descriptor>(),
        names::<oras::Digest>(),
        names::<oras::Error>(),
        names::<oras::Reference>(),
        names::<oras::layout::OciLayout>(),
        names::<oras::memory::MemoryStore>(),
        names::<oras::registry::Server>(),
        names::<oras::remote::Registry>(),
        names::<oras::remote::Repository>(),
    ];
    let expected =
        ["Descriptor", "Digest", "Error", "Reference", "OciLayout", "MemoryStore", "Server", "Registry", "Repository"];
    assert_eq!(found, expected);
    let _: fn(&str) -> oras::Result<oras::file::FileStore> = |root| oras::file::FileStore::new(root);
}

#[test]
fn futures_of_files_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let store = oras::memory::MemoryStore::new();
    let (push, pull) = (oras::files::PushOptions::new(), oras::files::PullOptions::new());
    is_send(oras::files::push(&store, "v1", ["a.txt"], &push));
    is_send(oras::files::pull(&store, "v1", "out", &pull));
}
