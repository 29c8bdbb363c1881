"""Sphinx's settings for the web site. `minigan course site` stages the pages and runs Sphinx: minigan/course/site."""

project = "minigan"
author = "The minigan developers"
copyright = "The minigan developers. Text and figures CC BY 4.0, code MIT"
language = "en-GB"
smartquotes = False  # many strings of code stand in quotes
html_title = "minigan"
html_show_sphinx = False

extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx_copybutton", "minigan.course.site.extension"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence", "attrs_block", "attrs_inline"]
myst_heading_anchors = 4
suppress_warnings = ["config.cache"]

mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}, "tex": {"tags": "none"}}

add_module_names = False
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 88
python_display_short_literal_types = True

html_theme = "sphinx_book_theme"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["site.css", "front.css"]
html_js_files = ["site.js"]
html_favicon = "_static/mark.svg"
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_permalinks_icon = "#"
html_theme_options = {
    "logo": {"text": "minigan", "image_light": "_static/mark.svg", "image_dark": "_static/mark.svg"},
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
    "show_toc_level": 2,
    "search_bar_text": "Search",
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": False,
    "show_navbar_depth": 1,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
