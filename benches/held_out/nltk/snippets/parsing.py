"""Grammars and parsers: chart, Earley, recursive descent, shift-reduce, probabilistic, features."""

import nltk
from nltk import CFG, PCFG
from nltk.grammar import FeatureGrammar
from nltk.parse import (
    BottomUpLeftCornerChartParser,
    EarleyChartParser,
    FeatureChartParser,
    RecursiveDescentParser,
    ShiftReduceParser,
    ViterbiParser,
)
from nltk.parse.generate import generate

grammar = CFG.fromstring("""
S -> NP VP
NP -> Det N | Det N PP | 'I'
VP -> V NP | VP PP
PP -> P NP
Det -> 'the' | 'a'
N -> 'man' | 'park' | 'dog'
V -> 'saw'
P -> 'in' | 'with'
""")
sentence = "I saw a man in the park".split()
for kind in (BottomUpLeftCornerChartParser, EarleyChartParser, nltk.ChartParser):
    print(kind.__name__, sorted(str(tree) for tree in kind(grammar).parse(sentence)))
small = CFG.fromstring("S -> NP V\nNP -> 'a' N\nN -> 'dog' | 'cat'\nV -> 'ran'")
print(*RecursiveDescentParser(small).parse("a dog ran".split()))
print(*ShiftReduceParser(small).parse("a cat ran".split()))
print([" ".join(words) for words in generate(small, n=4)])
weighted = PCFG.fromstring("S -> A B [1.0]\nA -> 'x' [0.4] | 'y' [0.6]\nB -> 'z' [1.0]")
print(*ViterbiParser(weighted).parse(["y", "z"]))
agreeing = FeatureGrammar.fromstring(
    "% start S\nS -> N[NUM=?n] V[NUM=?n]\nN[NUM=sg] -> 'dog'\nN[NUM=pl] -> 'dogs'\nV[NUM=pl] -> 'bark'"
)
parser = FeatureChartParser(agreeing)
print(list(parser.parse(["dogs", "bark"])), list(parser.parse(["dog", "bark"])))
graph = nltk.DependencyGraph("the DT 2 det\ndog NN 0 ROOT\n")
print(graph.nodes[2]["word"], graph.tree(), list(graph.triples()))
