// Writes what is made from the table of the language, the reference and the grammar for editors, and the page of the hostile programs.
// `make reference`.
import Glibc
import Language
import TestSupport

func write(_ text: String, to path: String) {
    guard let file = fopen(path, "w") else {
        perror(path)
        exit(1)
    }
    fputs(text, file)
    fclose(file)
}

let reference = LanguageReference()
write(reference.markdown, to: "docs/LANGUAGE.md")
write(reference.textMateGrammar, to: "editors/harness.tmLanguage.json")
write(HostileProgram.page, to: "docs/HOSTILE.md")
