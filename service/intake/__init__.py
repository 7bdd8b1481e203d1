"""What a request has to pass, and how it becomes examples.

protocol.py, refusals.py    connections and headers: limits on size and time
pipeline_flow.py            requests sent behind one another are read one at a time
access.py, keys.py          who may ask for what
body_limit.py               how large bodies may be, one and all together, and the answers that wait to be read
body_stall.py               how long a body may stand still
media_types.py              whether the caller takes JSON
forms.py, json_body.py      a body -> its parts
inputs.py                   the parts -> examples, checked against the inputs of the model
security_headers.py         what a browser is told not to do with the answer
"""
