"""Small blogs of somebody else's, each like a kind that there is: its theme's ways, none of its code."""

PAGE = b"---\nlayout: default\n---\n<h1>{{ page.title }}</h1>\n<article>{{ content }}</article>\n"
DEFAULT = b'<html lang="en"><head><title>x</title></head><body class="{{ page.layout }}">{{ content }}</body></html>\n'
INDEX = (
    b"---\nlayout: default\n---\n"
    b"{% for post in site.posts %}<a href='{{ post.url | relative_url }}'>{{ post.title }}</a>{% endfor %}\n"
)

SEVERE = b"strict_front_matter: true\nliquid: {error_mode: strict, strict_filters: true}\n"

# Puts the baseurl before every image source, whatever it begins with, as Chirpy does.
CHIRPY_LIKE = {
    "_config.yml": SEVERE + b"defaults:\n- scope: {path: '', type: posts}\n"
    b"  values: {layout: post, permalink: '/posts/:title/'}\n",
    "_includes/address.html": b"{% assign url = '/' | append: include.src | replace: '//', '/' %}"
    b"{{ site.baseurl | append: url }}",
    "_includes/images.html": b"""{% assign tag = '<img ' %}
{% assign pieces = include.content | split: tag %}
{% for piece in pieces %}
{% if forloop.first %}{{ piece }}{% continue %}{% endif %}
{% assign old = piece | split: 'src="' | last | split: '"' | first %}
{% capture new %}{% include address.html src=old %}{% endcapture %}
{{ tag }}{{ piece | replace_first: old, new }}
{% endfor %}
""",
    "_layouts/default.html": DEFAULT,
    "_layouts/post.html": b"---\nlayout: default\n---\n{% include images.html content=content %}\n",
    "index.html": INDEX,
}

# Has no layout called post.
MINIMAL_MISTAKES_LIKE = {
    "_config.yml": SEVERE + b"permalink: /:categories/:title/\n",
    "_layouts/default.html": DEFAULT,
    "_layouts/single.html": PAGE,
    "_layouts/home.html": PAGE,
    "index.html": INDEX,
}

MINIMA = {
    "_config.yml": b"title: Notes\ntheme: minima\n",
    "_posts/2020-01-01-first.md": b'---\nlayout: post\ntitle: "First"\n---\nHello.\n',
    "index.md": b"---\nlayout: home\n---\n",
    "about.md": b"---\nlayout: page\ntitle: About\npermalink: /about/\n---\nAbout.\n",
    "favicon.ico": b"",
}

POST_NAME = "2023-01-31-image-classification-with-cnn-and-transfer-learning.md"
