"""Tables to and from HTML, XML, LaTeX-free text; styles."""

import io

import pandas as pd

frame = pd.DataFrame({"name": ["Ada", "Grace"], "score": [0.5, 1.25]})
page = frame.to_html(index=False)
print(page)
print(pd.read_html(io.StringIO(page))[0])
xml = frame.to_xml(index=False)
print(xml)
print(pd.read_xml(io.StringIO(xml)))
print(frame.to_string(justify="left"), frame.to_dict(orient="split"))
try:
    print(frame.to_markdown())
except ImportError as error:
    print(type(error).__name__, error)
