"""Chunks and trees."""

from nltk import RegexpParser, Tree, conlltags2tree, tree2conlltags
from nltk.chunk import ChunkScore
from nltk.chunk.util import tagstr2tree
from nltk.tree import ImmutableTree, ParentedTree, ProbabilisticTree

tagged = [
    ("the", "DT"),
    ("little", "JJ"),
    ("cat", "NN"),
    ("sat", "VBD"),
    ("on", "IN"),
    ("mats", "NNS"),
]
parser = RegexpParser("NP: {<DT>?<JJ>*<NN.*>}\n PP: {<IN><NP>}", loop=2)
tree = parser.parse(tagged)
print(tree)
tree.pretty_print()
flat = RegexpParser("NP: {<DT>?<JJ>*<NN.*>}").parse(tagged)
print(tree2conlltags(flat), conlltags2tree(tree2conlltags(flat)) == flat)
score = ChunkScore()
score.score(tagstr2tree("[ the/DT cat/NN ] sat/VBD"), tagstr2tree("[ the/DT cat/NN ] sat/VBD"))
print(score.precision(), score.f_measure())
read = Tree.fromstring("(S (NP (D the) (N dog)) (VP (V ran)))")
read.chomsky_normal_form()
print(read.productions(), read.leaves(), read.height(), [t.label() for t in read.subtrees()])
parented = ParentedTree.convert(read)
print(
    parented[0].right_sibling().label(),
    ImmutableTree.convert(read) in {ImmutableTree.convert(read)},
)
print(ProbabilisticTree("S", ["x"], prob=0.5), read.pformat_latex_qtree())
