"""Where a post lies in a site: as the configuration of somebody's blog decides, or as in a site of this program."""

from pathlib import Path
from typing import Any

import pytest

from generator.post.jekyll import blog, layout, left_out, permalink, rewriting
from generator.post.jekyll.layout import ABSOLUTE, LIQUID, Layout
from generator.support.errors import BadInput
from tests.blogs import CHIRPY_LIKE, MINIMA, MINIMAL_MISTAKES_LIKE, POST_NAME
from tests.rendered import JEKYLL, REASON, jekyll, make_post
from tests.sites import put

POSTS = "- scope: {path: '', type: posts}\n  values: "


def place(folder: Path, files: dict[str, bytes | str], **changes: Any) -> Layout:
    put(folder, {name: text.encode() if isinstance(text, str) else text for name, text in files.items()})
    return layout.find(folder, make_post(**changes))


# ---- Addresses that others have

IN_A = "---\ncategories: [a]\n---\n"
BY_TITLE = f"defaults:\n{POSTS}{{permalink: '/n/:title/'}}\n"


@pytest.mark.parametrize(
    ("files", "changes"),
    [
        ({"about.md": "---\npermalink: /notes/x.html\n---\n"}, {"permalink": "/notes/x.html"}),
        ({"_pages/about.md": "---\npermalink: /notes/x/\n---\n"}, {"permalink": "/notes/x/"}),
        ({"_posts/2020-01-01-mine.md": "---\n---\n", "_config.yml": "permalink: /:title/\n"}, {"slug": "mine"}),
        ({"a/_posts/2020-01-01-mine.md": "---\n---\n", "_config.yml": "permalink: /b/:slug.html\n"}, {"slug": "mine"}),
        ({"old.html": "---\npermalink: /mine/\n---\n", "_config.yml": "permalink: /:title/\n"}, {"slug": "mine"}),
        ({"mine.md": "---\n---\n", "_config.yml": "permalink: pretty\n"}, {"permalink": "/mine/"}),
        ({"_posts/2020-01-01-old.md": "---\nslug: mine\n---\n", "_config.yml": BY_TITLE}, {"slug": "mine"}),
        ({"_posts/2020-01-01-mine.md": "---\n---\n", "_config.yml": BY_TITLE}, {"permalink": "/n/mine/"}),
    ],
)  # fmt: skip
def test_an_address_that_another_page_has_is_refused(
    tmp_path: Path, files: dict[str, str], changes: dict[str, str]
) -> None:
    """Jekyll would publish one of the two."""
    with pytest.raises(BadInput, match=r"^post\.(permalink|slug) = .* has the address .*; choose another"):
        place(tmp_path, {"_config.yml": "title: x\n", **files}, **changes)


@pytest.mark.parametrize(
    ("files", "changes", "is_likely"),
    [
        ({"_posts/2023-01-31-mine.markdown": "---\n---\n"}, {"categories": []}, True),
        ({"_posts/2023-01-30-mine.markdown": "---\n---\n"}, {"categories": []}, False),
        ({"_posts/2023-01-30-mine.md": "---\n---\n", "_config.yml": "permalink: /:year/:title/\n"}, {}, True),
        ({"_posts/2022-01-31-mine.md": "---\n---\n", "_config.yml": "permalink: /:year/:title/\n"}, {}, False),
        ({"_posts/2020-01-01-mine.md": "---\n---\n", "_config.yml": "permalink: none\n"}, {"categories": []}, True),
        ({"_posts/2020-01-01-mine.md": IN_A, "_config.yml": "permalink: none\n"}, {"categories": ["a"]}, True),
        ({"_posts/2020-01-01-mine.md": IN_A, "_config.yml": "permalink: none\n"}, {"categories": ["b"]}, False),
    ],
)  # fmt: skip
def test_an_address_that_another_post_is_likely_to_have_is_told(
    tmp_path: Path, files: dict[str, str], changes: dict[str, Any], is_likely: bool
) -> None:
    """Dates and categories decide, which front matter may change."""
    found = place(tmp_path, {"_config.yml": "title: x\n", **files}, slug="mine", **changes)
    assert any("is likely to have the address of this post" in note for note in found.notes) is is_likely


AT_A = "---\npermalink: /a/\n---\n"


@pytest.mark.parametrize(
    ("files", "changes"),
    [
        ({"about.md": "---\npermalink: /notes/y.html\n---\n"}, {"permalink": "/notes/x.html"}),
        ({"_site/about.html": "---\npermalink: /notes/x.html\n---\n"}, {"permalink": "/notes/x.html"}),
        ({"_posts/2020-01-01-mine.md": "---\n---\n"}, {"slug": "mine"}),
        ({"_posts/2020-01-01-mine.md": AT_A, "_config.yml": "permalink: /:title/\n"}, {"slug": "mine"}),
        ({f"_posts/{POST_NAME}": "---\n---\n", "_config.yml": "permalink: /:title/\n"}, {}),
        ({"_posts/2020-01-01-mine.md": "---\n---\n"}, {"slug": "mine", "permalink": "/:title/"}),
        ({"_posts/2020-01-01-mine.md": "---\nslug: b\n---\n", "_config.yml": BY_TITLE}, {"slug": "mine"}),
        ({"_posts/2020-01-01-mine.md": "no post\n", "_config.yml": BY_TITLE}, {"slug": "mine"}),
        ({"old/a.md": AT_A, "_config.yml": "exclude: [old]\n"}, {"permalink": "/a/"}),
        ({"a.md": AT_A.replace("---\n", "---\npublished: false\n", 1)}, {"permalink": "/a/"}),
    ],
)  # fmt: skip
def test_an_address_of_ones_own_is_taken(tmp_path: Path, files: dict[str, str], changes: dict[str, str]) -> None:
    assert place(tmp_path, {"_config.yml": "title: x\n", **files}, **changes).foreign


# ---- Whose site ------------------------------------------------------------------------------------------


SIGNS = [
    "_config.yml",
    "_config.yaml",
    "_config.toml",
    "_config.prod.yml",
    "_posts/2020-01-01-a.md",
    "_layouts/post.html",
    "index.html",
    "index.md",
    "index.markdown",
    "_includes/a.html",
    "Gemfile",
    "_data/a.yml",
    "_drafts/a.md",
]


@pytest.mark.parametrize("name", SIGNS)
def test_whatever_looks_like_a_site_is_somebodys(tmp_path: Path, name: str) -> None:
    found = place(tmp_path, {name: ""})
    assert (found.skeleton, found.foreign) == (False, True)


@pytest.mark.parametrize("files", [{}, {"README.md": ""}, {".git/HEAD": "", "LICENSE": ""}, {"index.js": ""}])
def test_a_folder_that_holds_no_site_becomes_one(tmp_path: Path, files: dict[str, bytes | str]) -> None:
    found = place(tmp_path, files)
    assert (found.skeleton, found.foreign) == (True, False)
    assert layout.find(tmp_path / "not-there-yet", make_post()).skeleton


def test_a_site_of_this_program_stays_its_own_though_its_manifest_is_broken(tmp_path: Path) -> None:
    found = place(tmp_path, {"_config.yml": layout.SIGNED + b"site/_config.yml.j2\n", "index.md": b""})
    assert found == layout.own(make_post())


# ---- Where posts go --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("_config.yml", "collections_dir: collections\n"),
        ("_config.yaml", "collections_dir: /collections/\n"),
        ("_config.toml", 'collections_dir = "collections"\n'),
    ],
)
def test_posts_go_below_the_folder_of_collections(tmp_path: Path, name: str, config: str) -> None:
    assert place(tmp_path, {name: config}).post == f"collections/_posts/{POST_NAME}"


def test_jekyll_reads_the_first_of_three_names(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"_config.toml": 'collections_dir = "no"', "_config.yaml": "collections_dir: yes_"}
    assert place(tmp_path, files).post == f"yes_/_posts/{POST_NAME}"


@pytest.mark.parametrize("given", ["", "src"])
def test_the_source_is_found_from_the_configuration_and_from_itself(tmp_path: Path, given: str) -> None:
    put(tmp_path, {"_config.yml": b"source: src\n", "src/index.html": b"", "src/_layouts/post.html": b""})
    assert blog.source(tmp_path / given) == tmp_path / "src"
    assert layout.find(tmp_path / given, make_post()).name == "post"


def test_several_files_are_merged_as_jekyll_does(tmp_path: Path) -> None:
    put(tmp_path, {"a.yml": b"collections_dir: a\nsource: src\n", "b.toml": b'collections_dir = "b"\n', "src/x": b""})
    assert blog.source(tmp_path, ("a.yml", "b.toml")) == tmp_path / "src"
    found = layout.find(tmp_path, make_post(jekyll_config=("a.yml", "b.toml")))
    assert found.post == f"b/_posts/{POST_NAME}"


def test_a_file_that_is_not_read_and_would_decide_is_named(tmp_path: Path) -> None:
    found = place(tmp_path, {**MINIMA, "_config.prod.yml": "permalink: pretty\n", "_config.dev.yml": "url: x\n"})
    assert found.notes == (
        f"{tmp_path}: _config.prod.yml not read; name what jekyll --config gets in post.jekyll_config",
    )


@pytest.mark.parametrize(
    ("files", "given", "said"),
    [
        ({"_config.yml": "a: [\n"}, ".", "_config.yml: cannot be read (while parsing a flow node expected the node"),
        ({"_config.toml": "a"}, ".", "_config.toml: cannot be read (Expected '=' after a key"),
        ({"_config.yml": "- a\n"}, ".", "_config.yml: expected settings, as in 'title: My blog'"),
        ({"_config.yml": b"\xff"}, ".", "_config.yml: cannot be read ('utf-8' codec can't decode"),
        ({"_config.yml": "source: 5\n"}, ".", "_config.yml: source = 5: expected text"),
        ({"_config.yml": "source: src\n"}, ".", "_config.yml: source = 'src': no such folder"),
        ({"conf/_config.yml": "source: ../text\n", "text/a.md": ""}, "conf", "source = '../text': leads out of "),
        ({"conf/_config.yml": "source: ..\n"}, "conf", "source = '..': leads out of "),
        ({"_config.yml": "source: /\n"}, ".", "source = '/': leads out of "),
        ({"_config.yml": "collections_dir: ../x\n"}, ".", "collections_dir = '../x': leads out of the site"),
        ({"_config.yml": "", "_posts/a.md": ""}, "_posts", "is a site's folder of posts; name the site's folder"),
        ({"hugo.toml": "", "content/_index.md": ""}, ".", "is a site of Hugo, which has no use for a Jekyll post"),
        ({"mkdocs.yml": "", "index.md": ""}, ".", "is a site of MkDocs"),
        ({"_config.yml": "", "x/_posts/a.md": ""}, "x", "x: is a part of the Jekyll site "),
    ],
)
def test_what_leaves_no_right_place_is_one_line(
    tmp_path: Path, files: dict[str, bytes | str], given: str, said: str
) -> None:
    put(tmp_path, {name: text.encode() if isinstance(text, str) else text for name, text in files.items()})
    with pytest.raises(BadInput) as caught:
        layout.find(tmp_path / given, make_post())
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_source_that_is_a_link_out_of_the_site_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {"blog/_config.yml": b"source: text\n", "elsewhere/index.md": b""})
    (tmp_path / "blog/text").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="source = 'text': leads out of"):
        blog.source(tmp_path / "blog")


def test_files_given_to_jekyll_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"post\.jekyll_config: .* does not hold a\.yml, b\.yml"):
        place(tmp_path, {"a.yml": ""}, jekyll_config=("a.yml", "b.yml"))


def test_tags_of_other_programs_are_passed_over(tmp_path: Path) -> None:
    assert place(tmp_path, {"_config.yml": "a: !ruby/regexp /x/\ncollections_dir: c\n"}).post.startswith("c/")


@pytest.mark.parametrize("value", ["2020-13-45", "2020-01-01T25:00:00Z", "="])
def test_what_is_no_date_is_text_as_in_ruby(tmp_path: Path, value: str) -> None:
    post = f"---\nlayout: essay\nversion: {value}\n---\n"
    found = place(tmp_path, {"_config.yml": f"title: {value}\ntheme: x\n", "_posts/2020-01-01-a.md": post})
    assert found.name == "essay"
    there = blog.find(tmp_path)
    assert there is not None
    assert there.text("title", "") == value


def test_a_post_of_the_future_is_noted_where_jekyll_would_leave_it_out(tmp_path: Path) -> None:
    date = make_post().date.replace(year=2999)
    assert "Jekyll leaves the post out until 2999-01-31" in place(tmp_path, {**MINIMA}, date=date).notes[0]
    assert place(tmp_path, {**MINIMA, "_config.yml": "theme: minima\nfuture: true\n"}, date=date).notes == ()


UNPUBLISHED = "defaults:\n- scope: {path: ''}\n  values: {published: false}\n"
CASES = [
    ("exclude: [assets]\n", "exclude: Jekyll leaves out assets/data/CV_HW_2/metrics.json, which 'assets' matches"),
    ("exclude: [/as]\n", "exclude: Jekyll leaves out assets/data/CV_HW_2/metrics.json, which '/as' matches"),
    ("exclude: [5, '*.json']\n", "exclude: Jekyll leaves out assets/data/CV_HW_2/metrics.json, which '*.json' matches"),
    ("exclude: ['*.csv']\n", "exclude: Jekyll leaves out assets/data/CV_HW_2/history.csv, which '*.csv' matches"),
    ("exclude: ['assets/[^d]*']\n", "exclude: Jekyll leaves out assets/images/CV_HW_2/baseline/confusion-matrix.png"),
    ("exclude: ['assets/d??a']\n", "exclude: Jekyll leaves out assets/data/CV_HW_2/metrics.json, which"),
    ("exclude: [assets]\ninclude: ['as*']\n", "exclude: Jekyll leaves out assets/data/CV_HW_2/metrics.json"),
    ("exclude: [_posts/]\ninclude: [_posts]\n", f"exclude: Jekyll leaves out _posts/{POST_NAME}, which '_posts/'"),
    ("exclude: ['*.md']\n", f"exclude: Jekyll leaves out _posts/{POST_NAME}, which '*.md' matches"),
    (UNPUBLISHED, "Jekyll leaves the post out, for defaults say 'published: false'"),
    ("markdown_ext: mkd, md\n", "markdown_ext = 'mkd, md': to Jekyll the post is no Markdown"),
    ("limit_posts: 1\n", "limit_posts = 1: Jekyll leaves the post out, for as many have a later date"),
    ("kramdown: {auto_ids: false}\n", "kramdown.auto_ids: no heading has an anchor"),
    ("kramdown: {auto_id_prefix: p-}\n", "kramdown.auto_id_prefix: headings have other anchors"),
    ("kramdown: {input: kramdown}\n", "kramdown.input: code in the post shows as plain text"),
]
NO_CASES = [
    "exclude: [json, data, '2023*', _drafts]\n",
    "exclude: [assets]\ninclude: [assets]\n",
    f"exclude: [_posts]\ninclude: [{POST_NAME}]\n",
    f"unpublished: true\n{UNPUBLISHED}",
    "markdown_ext: mkd,MD\n",
    "limit_posts: 2\n",
    "limit_posts: 0\n",
    "markdown: CommonMark\nkramdown: {auto_ids: false, input: kramdown}\n",
    "kramdown: {auto_ids: , auto_id_prefix: '', input: GFM}\n",
]
THERE = {"_layouts/post.html": "{{ content }}", "_posts/2024-01-01-a.md": "---\n---\nHello."}


@pytest.mark.parametrize(("config", "said"), CASES)
def test_a_setting_by_which_jekyll_leaves_something_out_is_noted(tmp_path: Path, config: str, said: str) -> None:
    (note,) = place(tmp_path, {**THERE, "_config.yml": config}).notes
    assert note.startswith(f"{tmp_path / '_config.yml'}: {said}")


@pytest.mark.parametrize("config", NO_CASES)
def test_other_settings_of_the_same_names_are_not_noted(tmp_path: Path, config: str) -> None:
    assert place(tmp_path, {**THERE, "_config.yml": config}).notes == ()


@pytest.mark.jekyll
@pytest.mark.skipif(JEKYLL is None, reason=REASON)
@pytest.mark.parametrize("config", [each for each in [*(case[0] for case in CASES), *NO_CASES] if "clude" in each])
def test_jekyll_itself_leaves_out_what_is_noted_and_nothing_else(tmp_path: Path, config: str) -> None:
    names = [f"_posts/{POST_NAME}", *(each.format(folder="CV_HW_2") for each in left_out._FILES)]
    notes = place(tmp_path / "blog", {**THERE, "_config.yml": config}).notes
    jekyll(put(tmp_path / "blog", dict.fromkeys(names, b"---\n---\nText\n")), tmp_path / "out")
    made = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    there = {Path(name).name for name in names[1:]} | {f"{POST_NAME[11:-3]}.html"} <= made
    assert there == (notes == ())


# ---- Layouts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (MINIMA, "post"),
        (MINIMAL_MISTAKES_LIKE, "single"),
        (CHIRPY_LIKE, None),
        ({"_config.yml": f"theme: minima\ndefaults:\n{POSTS}{{layout: essay}}\n"}, None),
        ({"_config.yml": "remote_theme: mmistakes/minimal-mistakes@4.27.3\n"}, "single"),
        ({"_config.yml": "theme: a-theme-nobody-knows\n"}, "post"),
        ({"_config.yml": "theme: x\n", "_posts/2020-01-01-a.md": "---\nlayout: essay\n---\n"}, "essay"),
        ({"_config.yml": "", "_layouts/post.html": "", "_layouts/essay.html": "", "_posts/2020-01-01-a.md":
          "---\r\nlayout: essay\r\n---\r\n"}, "essay"),
        ({"_config.yml": "layouts_dir: looks\n", "looks/article.html": ""}, "article"),
        ({"_layouts/default.html": "", "_posts/2020-01-01-a.md": "---\nlayout: default\n---\n"}, "default"),
        # Defaults that name what is not there.
        ({"_config.yml": f"defaults:\n{POSTS}{{layout: gone}}\n", "_layouts/single.html": ""}, "single"),
    ],
)  # fmt: skip
def test_the_layout_is_the_one_that_posts_have(tmp_path: Path, files: dict[str, bytes | str], name: str | None) -> None:
    found = place(tmp_path, files)
    assert (found.name, found.notes) == (name, ())


def test_the_program_s_own_post_says_nothing_about_layouts(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"_config.yml": "theme: x\n", f"_posts/{POST_NAME}": "---\nlayout: essay\n---\n"}
    assert place(tmp_path, files).name == "post"


@pytest.mark.parametrize(("layouts", "used"), [(("default",), "the post takes 'default'"), ((), "a bare page")])
def test_a_blog_without_a_layout_for_posts_is_told_so(tmp_path: Path, layouts: tuple[str, ...], used: str) -> None:
    found = place(tmp_path, {"_config.yml": "", **{f"_layouts/{name}.html": "" for name in layouts}})
    assert len(found.notes) == 1
    assert used in found.notes[0]
    assert "name one in post.layout" in found.notes[0]


def test_a_layout_that_is_not_there_is_refused_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"post\.layout = 'post': .* choose from default, home, single"):
        place(tmp_path, {**MINIMAL_MISTAKES_LIKE}, layout="post")
    assert layout.find(tmp_path, make_post(layout="home")).name == "home"


def test_the_most_special_defaults_win(tmp_path: Path) -> None:
    scopes = (
        "- {scope: {path: ''}, values: {layout: a, category: x}}\n"
        "- {scope: {path: '', type: posts}, values: {layout: b}}\n"
        "- {scope: {path: c/_posts, type: post}, values: {layout: d}}\n"
        "- {scope: {path: _posts/2024*}, values: {layout: no}}\n"
        "- {scope: {path: '_posts/2024**.md'}, values: {layout: no}}\n"
        "- {scope: {path: '**/_drafts/*'}, values: {layout: no}}\n"
        "- {scope: {path: '', type: pages}, values: {layout: no}}\n- 5\n- {scope: {}}\n"
    )
    put(tmp_path, {"_config.yml": f"collections_dir: c\ndefaults:\n{scopes}".encode()})
    found = blog.find(tmp_path)
    assert found is not None
    assert found.defaults(POST_NAME) == {"layout": "d", "category": "x"}


# ---- Links -----------------------------------------------------------------------------------------------


def test_in_a_blog_links_go_through_jekyll_and_the_blog_decides_the_address(tmp_path: Path) -> None:
    found = place(tmp_path, {**MINIMA})
    assert (found.links, found.sources, found.permalink) == (LIQUID, LIQUID, None)


@pytest.mark.parametrize(
    ("assets", "links", "sources"),
    [("absolute", ABSOLUTE, ABSOLUTE), ("theme", LIQUID, ABSOLUTE), ("liquid", LIQUID, LIQUID)],
)
def test_links_in_each_mode(tmp_path: Path, assets: str, links: str, sources: str) -> None:
    there, own = place(tmp_path, {**MINIMA}, assets=assets), layout.own(make_post(assets=assets))
    assert [(p.links, p.sources) for p in (there, own)] == [(links, sources)] * 2


@pytest.mark.parametrize(
    ("config", "depth"),
    [
        ("", 4),  # /:categories/:year/:month/:day/:title.html
        ("permalink: pretty\n", 5),
        ("permalink: /:title\n", 0),
        ("permalink: pretty\ncollections: {posts: {permalink: '/a/:title'}}\n", 1),
        (f"permalink: pretty\ndefaults:\n{POSTS}{{permalink: /posts/:title/}}\n", 2),
        (f"permalink: none\ndefaults:\n{POSTS}{{categories: [a, b/c]}}\n", 4),
        (f"permalink: none\ndefaults:\n{POSTS}{{category: computer-vision}}\n", 1),
    ],
)
def test_relative_links_know_the_blog_s_own_permalink(tmp_path: Path, config: str, depth: int) -> None:
    assert place(tmp_path, {"_config.yml": config}, assets="relative").links == f"{'../' * depth}assets/"


@pytest.mark.parametrize(
    ("address", "depth"),
    [
        ("/posts/a.html", 1), ("/posts/a/", 2), ("/posts/a", 1), ("posts/a/", 2), ("/a.html", 0), ("/a/", 1),
        ("/", 0), ("/:categories/:title/", 3), ("/:categories/:title:output_ext", 2), ("pretty", 6), ("date", 5),
        ("ordinal", 4), ("weekdate", 5), ("none", 2), ("//a//b.html", 1), ("/:year/:month_:day/x/", 3),
        ("/:slugified_categories/x", 2), ("/./a/../b", 1),
    ],
)  # fmt: skip
def test_fault_46_the_depth_of_every_kind_of_permalink(address: str, depth: int) -> None:
    assert permalink.depth(address, ("One", "Two words", "one"), "x") == depth


def test_fault_46_a_placeholder_that_jekyll_does_not_have_is_refused(tmp_path: Path) -> None:
    for call in (
        lambda: layout.own(make_post(permalink="/:slgu/")),
        lambda: place(tmp_path, {**MINIMA}, permalink="/:a"),
    ):
        with pytest.raises(BadInput, match=r"^post\.permalink = '/:\w+/?': Jekyll has no placeholder :\w+; choose"):
            call()
    (tmp_path / "_config.yml").write_text("permalink: /:mine/:title/\n")  # as a plug-in may understand
    assert layout.find(tmp_path, make_post()).links == LIQUID
    with pytest.raises(BadInput, match=r"_config\.yml: permalink = '/:mine/:title/': Jekyll has no placeholder :mine"):
        layout.find(tmp_path, make_post(assets="relative"))


@pytest.mark.parametrize("style", ["pretty", "none"])
def test_a_style_s_name_is_written_out_for_jekyll_does_not_know_it_in_a_post(style: str) -> None:
    assert layout.own(make_post(permalink=style)).permalink == permalink.STYLES[style]


def test_liquid_is_asked_for_where_the_blog_turns_it_off(tmp_path: Path) -> None:
    config = f"theme: minima\ndefaults:\n{POSTS}{{render_with_liquid: false}}\n"
    assert place(tmp_path, {"_config.yml": config}).says_liquid
    assert not layout.find(tmp_path, make_post(assets="absolute")).says_liquid


# ---- Themes that change addresses ------------------------------------------------------------------------

APPEND = """{% assign new = '<img src="' | append: site.baseurl | append: '/' %}
{{ content | replace: '<img src="/', new }}"""
CAPTURE = """{% capture new %}src="{{ '/' | relative_url }}{% endcapture %}{{ content | replace: 'src="/', new }}"""
SPLIT = """{% assign parts = content | split: '<img src="' %}
{% for p in parts %}<img data-src="{{ site.baseurl }}{{ p }}{% endfor %}"""
RUBY = 'Jekyll::Hooks.register(:posts, :post_render) { |d| d.output.gsub!(\'src="/\', "src=\\"#{d.site.baseurl}/") }'
LAZY = (
    """{{ content | replace: '<img src=', '<img loading="lazy" src=' }}<a href="{{ page.url | relative_url }}">a</a>"""
)
HREF = """{% assign new = 'href="' | append: site.baseurl | append: '/' %}{{ content | replace: 'href="/', new }}"""


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (CHIRPY_LIKE, (False, True)),
        ({"_config.yml": "theme: jekyll-theme-chirpy\n"}, (False, True)),
        ({"_config.yml": "remote_theme: cotes2020/jekyll-theme-chirpy\n"}, (False, True)),
        ({"_config.yml": "", "_layouts/post.html": APPEND}, (False, True)),
        ({"_config.yml": "", "_includes/a/content.html": CAPTURE}, (False, True)),
        ({"_config.yml": "layouts_dir: looks", "looks/post.html": SPLIT}, (False, True)),
        ({"_config.yml": "", "_plugins/images.rb": RUBY}, (False, True)),
        ({"_config.yml": "", "_layouts/post.html": HREF + APPEND}, (True, True)),
        ({"_config.yml": "", "_layouts/post.html": LAZY}, (False, False)),
        (MINIMA, (False, False)),
        (MINIMAL_MISTAKES_LIKE, (False, False)),
    ],
)
def test_fault_47_a_theme_that_changes_addresses_is_recognised(
    tmp_path: Path, files: dict[str, bytes | str], expected: tuple[bool, bool]
) -> None:
    found = place(tmp_path, files)
    assert (found.links == ABSOLUTE, found.sources == ABSOLUTE) == expected
    there = blog.find(tmp_path)
    assert there is not None
    assert rewriting.rewrites(there) == expected


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"_layouts/default.html": "", "_layouts/page.html": ""}, "default"),
        ({"_layouts/page.html": "", "_layouts/post.html": ""}, "page"),
        ({"_layouts/post.html": ""}, None),
        ({"_config.yml": "theme: minima\n"}, "default"),
    ],
)
def test_a_page_beside_the_post_takes_the_barest_layout(
    tmp_path: Path, files: dict[str, bytes | str], name: str | None
) -> None:
    assert place(tmp_path, {"_config.yml": "", **files}).page_name == name
