"""Where a post's files lie in a site, and how the post names them: worked out once and handed on.

`own` is for a site of this program, `find` for whatever is in a folder. In a blog that is already there its
configuration decides; see `docs/publishing.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from generator.experiment.config.post_settings import PostSettings
from generator.post import manifest
from generator.post.jekyll import blog, claimed, left_out, permalink, rewriting, theme
from generator.post.jekyll.blog import Blog
from generator.support.errors import BadInput

CONFIG = "_config.yml"
"""The file that makes the program's own site a Jekyll site."""

SIGNED = b"# Written by the build from templates/"
"""How that file begins."""

LIQUID = "{{ '/assets' | relative_url }}/"
"""The site's assets, by Jekyll's own filter: right under every permalink and baseurl."""

ABSOLUTE = "/assets/"

APPENDIX = "appendix"
"""The layout, in a site of this program, of a page of listings."""


@dataclass(frozen=True)
class Layout:
    """A post's place. Paths are site paths: below the folder that posts and assets go into."""

    post: str
    """The post's file."""
    asset_folder: str
    links: str
    """What stands before `images/…` and `data/…` in links, with a slash at the end."""
    sources: str
    """The same in the sources of images, which a theme may change."""
    name: str | None
    """The Jekyll layout for the front matter; None where the blog's defaults give one."""
    permalink: str | None
    """For the front matter; None where the blog decides."""
    page_name: str | None = None
    """The Jekyll layout of a page beside the post; None where the blog is likely to have none."""
    skeleton: bool = False
    """Whether the build writes the site around the post too."""
    foreign: bool = False
    """Whether it is in somebody's blog."""
    says_liquid: bool = False
    """Whether the front matter must ask for Liquid, which the blog's defaults turn off."""
    notes: tuple[str, ...] = ()
    """What a user should know of it, a line each."""

    @property
    def bases(self) -> tuple[str, ...]:
        """All that links to assets begin with."""
        return self.links, self.sources

    @property
    def data(self) -> str:
        """Folder of the data files."""
        return f"assets/data/{self.asset_folder}"

    @property
    def images(self) -> str:
        """Folder of the figures' folders."""
        return f"assets/images/{self.asset_folder}"

    def link(self, path: str) -> str:
        """A link in the post to a file in `assets/`."""
        return self.links + path.removeprefix("assets/")

    def source(self, path: str) -> str:
        """The source of an image in `assets/`."""
        return self.sources + path.removeprefix("assets/")


def own(post: PostSettings, *, skeleton: bool = True) -> Layout:
    """The place of `post` in a site of this program. Raises `BadInput` for a permalink that Jekyll would refuse."""
    address = permalink.template(post.permalink or f"/posts/{post.slug}.html")
    depth = permalink.depth(address, post.categories, "post.permalink")
    links, sources = _links(post, "relative", depth)
    return Layout(
        post=f"{blog.POSTS}/{post.file_name}",
        asset_folder=post.asset_folder,
        links=links,
        sources=sources,
        name=post.layout or "post",
        permalink=address,
        page_name=APPENDIX,
        skeleton=skeleton,
    )


def find(site: Path, post: PostSettings) -> Layout:
    """The place of `post` in the folder `site`, which need not exist.

    A site whose `_config.yml` this program wrote is its own, and so is a folder that holds no site; any other is
    somebody's, and gets the post and its assets only. Raises `BadInput` where the blog or a setting leaves no
    right place.
    """
    records = manifest.readable(site)
    same = (manifest.path_for(post.asset_folder), f"{blog.POSTS}/{post.file_name}")
    mine = [record for path, record in records.items() if path == same[0] or record.post == same[1]]
    posts = {record.post for record in mine}
    if any(CONFIG in record.files for record in records.values()):
        place = own(post, skeleton=any(CONFIG in record.files for record in mine))
        place = _checked(place, post, str(place.permalink), Blog(site, {}, ()), posts)
        # The site around a second post may be of a build that knew no such layout.
        older = not place.skeleton and not (site / f"_layouts/{APPENDIX}.html").is_file()
        return replace(place, page_name="page") if older else place
    found = blog.find(site, post.jekyll_config)
    if found is None or _is_signed(site):
        return own(post)
    given = found.defaults(post.file_name)
    address = post.permalink or found.permalink(given) or permalink.DEFAULT
    return _checked(_in_blog(found, post), post, address, found, posts)


def _checked(place: Layout, post: PostSettings, address: str, there: Blog, mine: set[str]) -> Layout:
    """`place`, with a note where another page or post is likely to have its address: Jekyll publishes one of the two.

    Raises `BadInput` where one certainly has it.
    """
    wanted = claimed.Address(address, post.slug, _categories(there, post), f"{post.date:%Y-%m-%d}")
    claim = claimed.by(there, wanted, {place.post, *mine})
    if claim is None:
        return place
    if not claim.certain:
        note = f"{claim.path}: is likely to have the address of this post, and Jekyll publishes one of the two"
        return replace(place, notes=(*place.notes, f"{note}; name another in post.permalink, or another post.slug"))
    given = f"post.permalink = {post.permalink!r}" if post.permalink else f"post.slug = {post.slug!r}"
    raise BadInput(
        f"{given}: {claim.path} has the address {wanted.page}; choose another, or, where that is an older form of this "
        "post, its post.asset_folder"
    )


def _categories(there: Blog, post: PostSettings) -> tuple[str, ...]:
    given = there.defaults(post.file_name)
    return (*claimed.words(given.get("categories")), *claimed.words(given.get("category")), *post.categories)


def _is_signed(site: Path) -> bool:
    """Whether the site says itself that it is this program's: its manifest may be broken."""
    config = site / CONFIG
    return config.is_file() and config.read_bytes().startswith(SIGNED)


def _in_blog(there: Blog, post: PostSettings) -> Layout:
    given = there.defaults(post.file_name)
    name, notes = _name(there, post, given)
    links, sources = _links(post, "liquid", _depth(there, post, given), rewriting.rewrites(there))
    unread = blog.unread(there)
    if unread and not post.jekyll_config:
        notes += (f"{there.root}: {', '.join(unread)} not read; name what jekyll --config gets in post.jekyll_config",)
    notes += left_out.notes(there, post, given)
    return Layout(
        post=f"{there.posts}/{post.file_name}",
        asset_folder=post.asset_folder,
        links=links,
        sources=sources,
        name=name,
        permalink=permalink.template(post.permalink) if post.permalink else None,
        page_name=theme.page_layout(there),
        foreign=True,
        says_liquid=given.get("render_with_liquid") is False and LIQUID in (links, sources),
        notes=notes,
    )


def _name(there: Blog, post: PostSettings, given: Mapping[str, object]) -> tuple[str | None, tuple[str, ...]]:
    """The Jekyll layout for the front matter, and what there is to say of it."""
    known, package = theme.layouts(there), there.package
    listed = ", ".join(sorted(known)) or "none"
    if post.layout is not None:
        if package is None and post.layout not in known:
            raise BadInput(f"post.layout = {post.layout!r}: {there.source} has no such layout; choose from {listed}")
        return post.layout, ()
    if isinstance(given.get("layout"), str) and (package or given["layout"] in known):
        return None, ()
    name, fits = theme.layout(there, post.file_name)
    if fits:
        return name, ()
    used = f"the post takes {name!r}" if name else "the post will be a bare page"
    return name or "post", (f"{there.source}: no layout for posts among {listed}; {used}; name one in post.layout",)


def _depth(there: Blog, post: PostSettings, given: Mapping[str, object]) -> int | None:
    """Of the post's address; None where nothing depends on it."""
    categories = _categories(there, post)
    if post.permalink:
        return permalink.depth(post.permalink, categories, "post.permalink")
    if post.assets != "relative":
        return None
    address = there.permalink(given) or permalink.DEFAULT
    return permalink.depth(address, categories, f"{there.where}: permalink")


def _links(
    post: PostSettings, usual: str, depth: int | None, rewritten: tuple[bool, bool] = (False, False)
) -> tuple[str, str]:
    """What stands before the site's assets in links, and in image sources; `rewritten`: the theme changes these."""
    mode = usual if post.assets == "auto" else post.assets
    if mode == "relative":
        relative = f"{'../' * (depth or 0)}assets/"
        return relative, relative
    if mode == "absolute":
        return ABSOLUTE, ABSOLUTE
    links, sources = rewritten
    return ABSOLUTE if links else LIQUID, ABSOLUTE if sources or mode == "theme" else LIQUID
