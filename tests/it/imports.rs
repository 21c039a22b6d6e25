//! Finds the modules that each source file of a package uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

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
    /// Targets of `pub use`, by the re-exporting module and the name there.
    re_exports: BTreeMap<(Names, String), Names>,
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
        let mut package = Self { modules: modules.collect(), sources, re_exports: BTreeMap::new() };
        let uses = package.sources.iter().flat_map(|source| package.uses(source));
        let re_exports = uses.filter_map(|used| Some((used.re_exported_as?, used.names)));
        package.re_exports = re_exports.collect();
        package
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
                let Some(target) = name.and_then(|name| self.re_exports.get(&(module.clone(), name))) else { break };
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

    fn uses(&self, source: &Source) -> Vec<Use> {
        let tokens: TokenStream =
            source.text.parse().unwrap_or_else(|error| panic!("{}: {error}", source.path.display()));
        let mut found = Vec::new();
        self.walk(&tokens.into_iter().collect::<Vec<_>>(), &source.module, &mut found);
        found
    }

    /// Collects the paths that start with `crate`, `super` or `self`, in code and in macros, and every `use` of a child module.
    fn walk(&self, tokens: &[TokenTree], here: &Names, found: &mut Vec<Use>) {
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            let next = tokens.get(index + 1);
            match token {
                TokenTree::Ident(word) if word == "mod" => {
                    if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) = (next, tokens.get(index + 2))
                    {
                        let inner: Names = here.iter().cloned().chain([name.to_string()]).collect();
                        self.walk(&body.stream().into_iter().collect::<Vec<_>>(), &inner, found);
                        index += 2;
                    }
                }
                // Excludes precise capturing in types: `use<'a>`.
                TokenTree::Ident(word) if word == "use" && !next.is_some_and(|next| is_punct(next, '<')) => {
                    let is_public = is_public(&tokens[..index]);
                    let end = tokens[index..]
                        .iter()
                        .position(|token| is_punct(token, ';'))
                        .map_or(tokens.len(), |end| index + end);
                    let mut paths = Vec::new();
                    self.tree(&tokens[index + 1..end], None, here, &mut paths);
                    found.extend(
                        paths.into_iter().map(|(names, alias)| Use {
                            re_exported_as: is_public.then(|| (here.clone(), alias)),
                            names,
                        }),
                    );
                    index = end;
                }
                TokenTree::Ident(_) if begins_path(tokens, index) => {
                    let mut paths = Vec::new();
                    self.tree(&tokens[index..], None, here, &mut paths);
                    found.extend(paths.into_iter().map(|(names, _)| Use { names, re_exported_as: None }));
                }
                TokenTree::Group(group) => {
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>(), here, found);
                }
                _ => {}
            }
            index += 1;
        }
    }

    /// Collects the paths of a use tree, or one path in code, with their local names. Skips paths of other crates.
    fn tree(&self, tokens: &[TokenTree], prefix: Option<&Names>, here: &Names, found: &mut Vec<(Names, String)>) {
        let mut names = prefix.cloned().unwrap_or_default();
        let mut is_first = prefix.is_none();
        let mut index = 0;
        loop {
            match tokens.get(index) {
                Some(TokenTree::Ident(word)) => {
                    let word = word.to_string();
                    match word.as_str() {
                        "crate" if is_first => names.clear(),
                        "self" if is_first => names.clone_from(here),
                        "self" => {}
                        "super" => {
                            if is_first {
                                names.clone_from(here);
                            }
                            names.pop();
                        }
                        _ if is_first => {
                            let child: Names = here.iter().cloned().chain([word.clone()]).collect();
                            if !self.modules.contains(&child) {
                                return;
                            }
                            names = child;
                        }
                        _ => names.push(word),
                    }
                    is_first = false;
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in inner.split(|token| is_punct(token, ',')).filter(|part| !part.is_empty()) {
                        self.tree(part, (!is_first).then_some(&names), here, found);
                    }
                    return;
                }
                _ => break,
            }
            let (Some(first), Some(second)) = (tokens.get(index + 1), tokens.get(index + 2)) else { break };
            if !(is_punct(first, ':') && is_punct(second, ':')) {
                break;
            }
            index += 3;
        }
        let alias = match (tokens.get(index + 1), tokens.get(index + 2)) {
            (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(alias))) if word == "as" => alias.to_string(),
            _ => names.last().cloned().unwrap_or_default(),
        };
        found.push((names, alias));
    }
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

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Whether the tokens before a `use` end with `pub` or `pub(…)`.
fn is_public(before: &[TokenTree]) -> bool {
    let is_pub = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(word)) if word == "pub");
    match before.last() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            is_pub(before.iter().rev().nth(1))
        }
        last => is_pub(last),
    }
}

/// Whether a path of this crate starts at `index`: `crate::`, `super::` or `self::`, but not in the middle of another path.
fn begins_path(tokens: &[TokenTree], index: usize) -> bool {
    let is_keyword =
        matches!(&tokens[index], TokenTree::Ident(word) if ["crate", "super", "self"].iter().any(|name| word == name));
    let is_continued = tokens[..index].last().is_some_and(|token| is_punct(token, ':'));
    let has_rest = [1, 2].iter().all(|offset| tokens.get(index + offset).is_some_and(|token| is_punct(token, ':')));
    is_keyword && !is_continued && has_rest
}

#[test]
fn paths_are_found_in_use_trees_code_macros_and_nested_modules() {
    let modules = ["", "a", "a::b", "c", "c::d"];
    let names = |text: &str| text.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect::<Names>();
    let source =
        |module: &str, text: &str| Source { path: module.into(), text: text.to_owned(), module: names(module) };
    let mut package = Package {
        sources: Vec::new(),
        modules: modules.iter().map(|module| names(module)).collect(),
        re_exports: BTreeMap::new(),
    };
    package.re_exports.insert((names("a"), "Thing".to_owned()), names("c::d::Thing"));
    let used = |module: &str, text: &str| {
        let found = package.modules_used_by(&source(module, text));
        found.into_iter().map(|names| names.join("::")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(used("a::b", "use super::super::c::{d::X, Y};"), "c c::d");
    assert_eq!(used("a", "fn f() { format!(\"{}\", crate::c::g()) }"), "c");
    assert_eq!(used("a::b", "mod tests { use super::*; use super::super::super::c; }"), "a::b c");
    assert_eq!(used("c", "use crate::a::Thing as Other;"), "a c::d");
    assert_eq!(used("c", "use std::io; // crate::a::Thing\nlet a = \"crate::a\";"), "");
    assert_eq!(used("c", "pub(crate) use d::Z;"), "c::d");
    assert_eq!(used("a", "use crate::{c::d::X, Y};"), " c::d");
    assert_eq!(used("a", "use super::{c, a::b};"), "a::b c");
    assert_eq!(used("c", "use {crate::a::b, d::X};"), "a::b c::d");
    assert_eq!(used("c", "fn f<'a>() -> impl Sized + use<'a> { } use crate::a::b;"), "a::b");
}
