//! Finds the modules that each source file of a package uses.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, Macro, Meta, UseTree, Visibility};

use crate::common::read;

/// Names from the root of a crate: `["aws", "error", "AwsError"]`.
type Names = Vec<String>;

/// A source file of a package.
pub struct Source {
    /// Below the package's `src`.
    pub path: PathBuf,
    pub text: String,
    module: Names,
}

/// The sources of a package.
pub struct Package {
    pub sources: Vec<Source>,
    modules: BTreeSet<Names>,
    /// Targets of `pub use`, by the re-exporting module and the name there. Found on first use.
    re_exports: OnceCell<BTreeMap<(Names, String), Names>>,
}

/// A path that a file uses.
struct Use {
    names: Names,
    /// The re-exporting module and the name there, for a `pub use`.
    re_exported_as: Option<(Names, String)>,
}

impl Source {
    /// The path of the file's module.
    pub fn module(&self) -> &[String] {
        &self.module
    }
}

impl Package {
    /// Reads the sources in a folder, which is relative to the workspace's root.
    pub fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut sources = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the folder can be read") {
                let path = entry.expect("the folder can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = read(&path);
                    let path = path.strip_prefix(&root).expect("the file is in the folder").to_owned();
                    sources.push(Source { module: module_of(&path), path, text });
                }
            }
        }
        assert!(sources.len() > 20, "only {} sources in {folder}", sources.len());
        let modules =
            sources.iter().flat_map(|source| (0..=source.module.len()).map(|end| source.module[..end].to_vec()));
        Self { modules: modules.collect(), sources, re_exports: OnceCell::new() }
    }

    fn re_exports(&self) -> &BTreeMap<(Names, String), Names> {
        self.re_exports.get_or_init(|| {
            let uses = self.sources.iter().flat_map(|source| self.uses(source));
            uses.filter_map(|used| Some((used.re_exported_as?, used.names))).collect()
        })
    }

    /// The modules that a file uses, including those whose items it uses through re-exports.
    pub fn modules_used_by(&self, source: &Source) -> BTreeSet<Names> {
        let mut found = BTreeSet::new();
        for Use { mut names, .. } in self.uses(source) {
            // Follows chains of re-exports. Cycles do not compile.
            loop {
                let module = self.module_in(&names);
                let name = names.get(module.len()).cloned();
                found.insert(module.clone());
                let Some(target) = name.and_then(|name| self.re_exports().get(&(module.clone(), name))) else { break };
                let rest = names.split_off((module.len() + 1).min(names.len()));
                names = target.iter().cloned().chain(rest).collect();
            }
        }
        found
    }

    /// The longest prefix of a path that is a module.
    fn module_in(&self, names: &Names) -> Names {
        let ends = (0..=names.len()).rev();
        ends.map(|end| names[..end].to_vec()).find(|module| self.modules.contains(module)).unwrap_or_default()
    }

    /// The paths that start with `crate`, `super` or `self`, in code and in macros, and every `use` of a child module.
    fn uses(&self, source: &Source) -> Vec<Use> {
        let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path.display()));
        let mut collector = Collector { modules: &self.modules, here: source.module.clone(), uses: Vec::new() };
        collector.visit_file(&file);
        collector.uses
    }
}

/// Collects the uses of a file.
struct Collector<'p> {
    modules: &'p BTreeSet<Names>,
    /// The current module, which may be an inline one.
    here: Names,
    uses: Vec<Use>,
}

impl Collector<'_> {
    /// The names of a path from the root of the crate; `None` for a path of another crate.
    fn absolute(&self, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let mut names = self.here.clone();
        match first.as_str() {
            "crate" => names.clear(),
            "self" => {}
            "super" => drop(names.pop()),
            child => {
                names.push(child.to_owned());
                if !self.modules.contains(&names) {
                    return None;
                }
            }
        }
        for name in rest {
            match name.as_str() {
                "self" => {}
                "super" => drop(names.pop()),
                name => names.push(name.to_owned()),
            }
        }
        Some(names)
    }

    fn add_path(&mut self, path: &[String]) {
        let is_of_crate = path.len() > 1 && ["crate", "super", "self"].contains(&path[0].as_str());
        let names = self.absolute(path).filter(|_| is_of_crate);
        self.uses.extend(names.map(|names| Use { names, re_exported_as: None }));
    }

    /// Adds the paths in the tokens of a macro or an attribute.
    fn add_tokens(&mut self, tokens: &TokenStream) {
        let mut path: Names = Vec::new();
        let mut colons = 0;
        for token in tokens.clone() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                token => {
                    self.add_path(&std::mem::take(&mut path));
                    match token {
                        TokenTree::Ident(name) if colons != 2 => path.push(name.to_string()),
                        TokenTree::Group(group) => self.add_tokens(&group.stream()),
                        _ => {}
                    }
                    colons = 0;
                }
            }
        }
        self.add_path(&path);
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.here.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.here.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        let mut paths = Vec::new();
        flatten(&item.tree, &[], &mut paths);
        for (path, alias) in paths {
            let Some(names) = self.absolute(&path) else { continue };
            let re_exported_as = is_public.then(|| (self.here.clone(), alias));
            self.uses.push(Use { names, re_exported_as });
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add_path(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Names>());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.add_tokens(&call.tokens);
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.add_tokens(&list.tokens);
        }
    }

    /// The path in `pub(in path)` is not a use.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// The paths of a use tree, each with its local name.
fn flatten(tree: &UseTree, prefix: &[String], found: &mut Vec<(Names, String)>) {
    let within = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &within(&path.ident), found),
        UseTree::Name(name) if name.ident == "self" => found.push((prefix.to_vec(), last(prefix))),
        UseTree::Name(name) => found.push((within(&name.ident), name.ident.to_string())),
        UseTree::Rename(rename) => found.push((within(&rename.ident), rename.rename.to_string())),
        UseTree::Glob(_) => found.push((prefix.to_vec(), last(prefix))),
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, prefix, found)),
    }
}

fn last(names: &[String]) -> String {
    names.last().cloned().unwrap_or_default()
}

/// The module of a file: `aws::error` for `aws/error.rs`.
fn module_of(path: &Path) -> Names {
    let mut names: Names =
        path.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let is_root = names.len() == 1 && ["lib", "main"].contains(&names[0].as_str());
    if is_root || names.last().is_some_and(|name| name == "mod") {
        names.pop();
    }
    names
}

#[test]
fn paths_are_found_in_use_trees_code_macros_and_nested_modules() {
    let modules = ["", "a", "a::b", "c", "c::d"];
    let names = |text: &str| text.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect::<Names>();
    let source =
        |module: &str, text: &str| Source { path: module.into(), text: text.to_owned(), module: names(module) };
    let re_exports = BTreeMap::from([((names("a"), "Thing".to_owned()), names("c::d::Thing"))]);
    let package = Package {
        sources: Vec::new(),
        modules: modules.iter().map(|module| names(module)).collect(),
        re_exports: OnceCell::from(re_exports),
    };
    let used = |module: &str, text: &str| {
        let found = package.modules_used_by(&source(module, text));
        found.into_iter().map(|names| names.join("::")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(used("a::b", "use super::super::c::{d::X, Y};"), "c c::d");
    assert_eq!(used("a", "fn f() { format!(\"{}\", crate::c::g()) }"), "c");
    assert_eq!(used("a::b", "mod tests { use super::*; use super::super::super::c; }"), "a::b c");
    assert_eq!(used("c", "use crate::a::Thing as Other;"), "a c::d");
    assert_eq!(used("c", "use std::io; // crate::a::Thing\nconst A: &str = \"crate::a\";"), "");
    assert_eq!(used("c", "pub(crate) use d::Z;"), "c::d");
    assert_eq!(used("a", "use crate::{c::d::X, Y};"), " c::d");
    assert_eq!(used("a", "use super::{c, a::b};"), "a::b c");
    assert_eq!(used("c", "use {crate::a::b, d::X};"), "a::b c::d");
    assert_eq!(used("c", "fn f<'a>() -> impl Sized + use<'a> { } use crate::a::b;"), "a::b");
}
