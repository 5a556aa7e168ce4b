"""The questions as tools for language models (Model Context Protocol).

tools    the tools, their limits and what they say about prices
wording  when a price was confirmed and under which conditions it holds, as sentences
server   over standard input and output, or over HTTP
"""
