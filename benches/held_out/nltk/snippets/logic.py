"""First-order logic, models, resolution, tableaux, discourse representation."""

from nltk.inference import ResolutionProver, TableauProver
from nltk.sem import Assignment, Expression, Model, Valuation, logic, skolemize
from nltk.sem.drt import DrtExpression

read = Expression.fromstring
print(read(r"(\x.walk(x))(john)").simplify(), read("exists x.(dog(x) & bark(x))").free())
print(skolemize(read("all x.exists y.loves(x,y)")), read("-(a & b)").negate())
axioms = [read("man(x) -> mortal(x)"), read("man(socrates)")]
print(
    ResolutionProver().prove(
        read("mortal(socrates)"), [read("all x.(man(x) -> mortal(x))"), axioms[1]]
    )
)
print(
    TableauProver().prove(
        read("mortal(socrates)"), [read("all x.(man(x) -> mortal(x))"), axioms[1]]
    )
)
valuation = Valuation([("ada", "a"), ("dog", {"d"}), ("sees", {("a", "d")})])
model = Model(valuation.domain, valuation)
assignment = Assignment(valuation.domain)
print(model.evaluate("exists x.(dog(x) & sees(ada, x))", assignment))
print(model.satisfiers(read("dog(x)"), "x", assignment))
drs = DrtExpression.fromstring("([x],[dog(x), bark(x)])")
print(drs.fol(), (drs + DrtExpression.fromstring("([y],[cat(y)])")).simplify())
drs.pretty_print()
try:
    read("all x.(")
except logic.LogicalExpressionException as error:
    print(type(error).__name__, str(error).splitlines()[0])
