use super::*;

#[test]
fn tells_what_is_unfinished() {
    for text in [
        "echo 'a",
        "echo \"a",
        "echo `a",
        "echo $(a",
        "echo ${a",
        "echo $((1",
        "a |",
        "a &&",
        "a || ",
        "if true",
        "if true; then",
        "while true; do x",
        "for i in 1",
        "for i in 1; do",
        "{ a;",
        "( a",
        "case x in",
        "case x in a)",
        "cat <<E\nx",
        "f()",
        "a \\\n",
        "cat <<A <<B\n1\nA\n2",
    ] {
        assert!(matches!(parse(text), Err(SyntaxError::Incomplete(_))), "{text:?} {:?}", parse(text));
    }
    for text in [
        "",
        "\n\n",
        "# only this",
        "a",
        "a;",
        "a &",
        "a | b && c || d;e",
        "a \\\n b",
        "cat <<A <<B\n1\nA\n2\nB",
        "! a",
        "[[ a && b ]]",
    ] {
        assert!(parse(text).is_ok(), "{text:?} {:?}", parse(text));
    }
}

#[test]
fn tells_what_is_wrong_as_bash_does() {
    for (text, message) in [
        (")", "syntax error near unexpected token `)'"),
        ("a;;", "syntax error near unexpected token `;;'"),
        (";", "syntax error near unexpected token `;'"),
        ("| a", "syntax error near unexpected token `|'"),
        ("a &&& b", "syntax error near unexpected token `&'"),
        ("then", "syntax error near unexpected token `then'"),
        ("for 1 in a; do b; done", "syntax error near unexpected token `1'"),
        ("while do x; done", "syntax error near unexpected token `do'"),
        ("if true; then fi", "syntax error near unexpected token `fi'"),
        ("( )", "syntax error near unexpected token `)'"),
        ("echo ${}", "bad substitution"),
        ("a >", "syntax error: unexpected end of file"),
        ("a > ; b", "syntax error near unexpected token `;'"),
    ] {
        assert_eq!(parse(text).unwrap_err().message(), message, "{text:?}");
    }
}
