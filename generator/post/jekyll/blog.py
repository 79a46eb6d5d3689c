"""Somebody's Jekyll site, as far as it decides about a post: where posts lie, and what its settings give them.

`find` reads the site's configuration as Jekyll does, https://jekyllrb.com/docs/configuration/, and says whether a
folder is somebody's site at all. Nothing is written.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from generator.support.errors import BadInput

CONFIGS = ("_config.yml", "_config.yaml", "_config.toml")
"""The file that Jekyll reads: the first of these that is there."""

POSTS = "_posts"

_DECIDING = ("source", "collections_dir", "layouts_dir", "permalink", "defaults", "theme", "remote_theme")
"""Settings by which a post would go elsewhere or look otherwise."""

_PARTS = ("_posts", "_drafts", "_layouts", "_includes", "_data", "_sass", "_plugins", "_pages", "_site", "Gemfile")
"""Files and folders that a Jekyll site has and other folders have not."""

PAGES = ("html", "htm", "xhtml", "md", "markdown", "mkdown", "mkdn", "mkd", "textile")
"""Suffixes of pages."""

_OTHERS = {
    "hugo.toml": "Hugo", "hugo.yaml": "Hugo", "archetypes": "Hugo", "mkdocs.yml": "MkDocs", "_quarto.yml": "Quarto",
    "docusaurus.config.js": "Docusaurus", "docusaurus.config.ts": "Docusaurus", "astro.config.mjs": "Astro",
    "pelicanconf.py": "Pelican", "eleventy.config.js": "Eleventy", "gatsby-config.js": "Gatsby", "book.toml": "mdBook",
}  # fmt: skip
"""File or folder → the program whose site it belongs to, which is not Jekyll."""


@dataclass(frozen=True)
class Blog:
    """A Jekyll site that is there."""

    root: Path
    """The folder that Jekyll runs in: that of the configuration."""
    settings: Mapping[str, Any]
    configs: tuple[Path, ...]
    """Files that `settings` come from; none where Jekyll has only its own defaults."""

    @property
    def source(self) -> Path:
        """The folder that posts and assets go into."""
        return self.root / self.text("source", "")

    @property
    def posts(self) -> str:
        """The posts' folder below `source`."""
        return (PurePosixPath(self.text("collections_dir", "").strip("/")) / POSTS).as_posix()

    @property
    def where(self) -> str:
        """The configuration, for messages."""
        return str(self.configs[-1]) if self.configs else str(self.root)

    @property
    def package(self) -> str | None:
        """The name of a theme whose files lie elsewhere; None if all of the theme lies in the blog."""
        return self.text("theme", "") or self.text("remote_theme", "") or None

    def text(self, name: str, default: str) -> str:
        """A setting that is text; `default` where it is absent or empty. Raises `BadInput` where it is none."""
        value = self.settings.get(name)
        if value is not None and not isinstance(value, str):
            raise BadInput(f"{self.where}: {name} = {value!r}: expected text; mend it, Jekyll needs it too")
        return value or default

    def permalink(self, values: Mapping[str, Any]) -> str | None:
        """What decides a post's address where the post does not; `values` are its `defaults`."""
        collections = self.settings.get("collections")
        posts = collections.get("posts") if isinstance(collections, Mapping) else None
        of_posts = posts.get("permalink") if isinstance(posts, Mapping) else None
        found = values.get("permalink") or of_posts or self.settings.get("permalink")
        return str(found) if found else None

    def defaults(self, file_name: str) -> dict[str, Any]:
        """What the setting `defaults` gives a post of this name, the most special scope first."""
        merged: dict[str, Any] = {}
        before: Mapping[str, Any] | None = None
        for scope, values in self._scopes():
            if not self._applies(scope, f"{POSTS}/{file_name}"):
                continue
            if before is None or _precedes(scope, before):
                merged, before = merged | values, scope
            else:
                merged = values | merged
        return merged

    def _scopes(self) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
        sets = self.settings.get("defaults")
        for entry in sets if isinstance(sets, list) else []:
            if isinstance(entry, Mapping) and isinstance(entry.get("values"), Mapping):
                scope = entry.get("scope")
                yield scope if isinstance(scope, Mapping) else {}, dict(entry["values"])

    def _applies(self, scope: Mapping[str, Any], post: str) -> bool:
        if scope.get("type", "posts") not in ("posts", "post"):
            return False
        path = str(scope.get("path") or "").strip("/")
        places = [path]
        if "*" in path:
            # To Ruby ** is * where it is no whole part of a path, and pathlib refuses it.
            parts = [part if part == "**" else re.sub(r"\*{2,}", "*", part) for part in path.split("/")]
            places = [found.relative_to(self.source).as_posix() for found in self.source.glob("/".join(parts))]
        collections = self.text("collections_dir", "").strip("/")
        return any(post.startswith(place.removeprefix(f"{collections}/")) for place in places)


def find(site: Path, configs: Collection[str] = ()) -> Blog | None:
    """The Jekyll site in the folder `site`, or whose `source` it is; None where there is none yet.

    `configs` are the names of the files given to `jekyll --config`; none for the one that Jekyll reads by itself.
    Raises `BadInput` where a configuration cannot be read, where `site` is a part of a site, and where it is one of
    another program.
    """
    try:
        return _find(site, configs)
    except OSError as error:
        raise BadInput(f"{site}: cannot be read ({error.strerror}); name another folder with --site DIR") from None


def source(site: Path, configs: Collection[str] = ()) -> Path:
    """The folder of `site` that posts and assets are in: `site` itself unless its configuration says otherwise."""
    found = find(site, configs)
    return site if found is None or found.source.resolve() == site.resolve() else found.source


def unread(blog: Blog) -> tuple[str, ...]:
    """Names of configuration files that lie there too and would change what becomes of a post."""
    names = (name for name in _names(blog.root) if name.startswith("_config"))
    others = [blog.root / name for name in names if Path(name).suffix in (".yml", ".yaml", ".toml")]
    found = (path for path in others if path not in blog.configs)
    # Of the three names, Jekyll passes over the later ones.
    return tuple(p.name for p in found if p.name not in CONFIGS and any(key in _read(p) for key in _DECIDING))


def from_yaml(text: str) -> Any:
    """What YAML says, as Jekyll reads it. Raises `yaml.YAMLError`, `ValueError` and `RecursionError`."""
    return yaml.load(text, _Loader)  # a subclass of the safe loader: nothing is executed


def _find(site: Path, configs: Collection[str]) -> Blog | None:
    try:
        full = site.resolve()
    except (OSError, RuntimeError) as error:  # a circle of links; which of the two depends on Python
        raise BadInput(f"{site}: cannot be read ({error}); name another folder with --site DIR") from None
    if full.name == POSTS:
        raise BadInput(f"{site}: is a site's folder of posts; name the site's folder with --site DIR")
    found = _open(site, configs)
    if found is not None:
        return found
    above = next((blog for parent in site.resolve().parents if (blog := _open(parent, configs))), None)
    if above is not None and above.source.resolve() == site.resolve():
        return above
    if configs:
        raise BadInput(f"post.jekyll_config: {site} does not hold {', '.join(configs)}; name files of the site")
    names = _names(site)
    if above is not None and names:
        raise BadInput(f"{site}: is a part of the Jekyll site {above.root}; name that with --site {above.source}")
    other = next((_OTHERS[name] for name in names if name in _OTHERS), None)
    if other is not None:
        raise BadInput(
            f"{site}: is a site of {other}, which has no use for a Jekyll post; name another with --site DIR"
        )
    return Blog(site, {}, ()) if any(map(_is_of_a_site, names)) else None


def _open(root: Path, configs: Collection[str]) -> Blog | None:
    files = [root / name for name in configs or CONFIGS if (root / name).is_file()]
    if not files or (configs and len(files) < len(configs)):
        return None
    settings: dict[str, Any] = {}
    used = files if configs else files[:1]
    for path in used:
        settings = _merged(settings, _read(path))
    blog = Blog(root, settings, tuple(used))
    if not blog.source.is_dir():
        raise BadInput(f"{blog.where}: source = {settings['source']!r}: no such folder; mend it, Jekyll needs it too")
    # From a source elsewhere the way does not lead back to its configuration, and nobody asked for files there.
    if not blog.source.resolve().is_relative_to(root.resolve()):
        raise BadInput(
            f"{blog.where}: source = {settings['source']!r}: leads out of {root}; move the configuration into a folder"
            " that holds the source, and name that with --site"
        )
    if ".." in PurePosixPath(blog.posts).parts:
        raise BadInput(f"{blog.where}: collections_dir = {settings['collections_dir']!r}: leads out of the site")
    return blog


class _Loader(yaml.SafeLoader):
    """YAML as Jekyll reads it, with tags of other programs passed over."""


def _time_or_text(loader: yaml.SafeLoader, node: Any) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:  # 2020-13-45 looks like a date; to Ruby it is text then.
        return node.value


_Loader.add_multi_constructor("", lambda loader, tag, node: None)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _time_or_text)
_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)  # a lone =


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")
        table = tomllib.loads(text) if path.suffix == ".toml" else from_yaml(text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); mend it, Jekyll needs it too") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: cannot be read ({reason}); mend it, Jekyll needs it too") from None
    if not isinstance(table, dict | None):
        raise BadInput(f"{path}: expected settings, as in 'title: My blog'; mend it, Jekyll needs it too")
    return table or {}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(old, value)
        elif value is not None:
            merged[name] = value
    return merged


def _precedes(scope: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    new, old = (len(str(s.get("path") or "").strip("/")) for s in (scope, before))
    return new > old or (new == old and ("type" in scope or "type" not in before))


def _names(folder: Path) -> list[str]:
    """Of what lies in `folder`, hidden files left out."""
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_of_a_site(name: str) -> bool:
    """Whether a file or folder of this name makes its folder somebody's site: `_posts`, `index.md`, `Gemfile`."""
    stem, _, suffix = name.partition(".")
    is_config, is_page = stem == "_config" and bool(suffix), stem == "index" and suffix in PAGES
    return is_config or is_page or name in _PARTS
