"""Pipelines over frames: imputing, encoding, selecting columns, setting output to pandas."""

import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
)

frame = pd.DataFrame(
    {
        "age": [20, 30, None, 50, 60, 25],
        "city": list("abcabc"),
        "pay": [1.0, 2.5, 3.0, None, 5.0, 1.5],
    }
)
bought = [0, 0, 1, 1, 1, 0]
numbers = make_pipeline(
    SimpleImputer(strategy="median"), RobustScaler(), PolynomialFeatures(2, include_bias=False)
)
columns = ColumnTransformer(
    [
        ("numbers", numbers, make_column_selector(dtype_include="number")),
        ("city", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]),
    ]
)
model = Pipeline(
    [("columns", columns), ("best", SelectKBest(f_classif, k=4)), ("fit", LogisticRegression())]
)
model.fit(frame, bought)
print(
    model.predict(frame), model.predict_proba(frame).round(4)[0], model[:-1].get_feature_names_out()
)
print([name for name, _ in model.steps], model.get_params()["best__k"])
print(columns.set_output(transform="pandas").fit_transform(frame).round(3))
print(KNNImputer(n_neighbors=2).fit_transform(frame[["age", "pay"]]).round(3))
union = FeatureUnion(
    [("sum", FunctionTransformer(lambda x: x.sum(axis=1, keepdims=True))), ("same", "passthrough")]
)
print(union.fit_transform(frame[["age", "pay"]].fillna(0).to_numpy())[:2])
print(OrdinalEncoder().fit_transform(frame[["city"]]).ravel())
print(
    KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf")
    .fit_transform([[1], [2], [9]])
    .ravel()
)
