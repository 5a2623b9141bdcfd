import Model
import Vocabulary

/// Lines as the formatter writes them.
extension Matcher {
    /// The line as the formatter writes it.
    func canonical(_ pattern: Pattern, _ captures: Captures) -> String {
        Matcher.canonical(pattern.parts, captures).joined(separator: " ")
    }

    static func canonical(_ parts: [Pattern.Part], _ captures: Captures) -> [String] {
        parts.flatMap { part -> [String] in
            switch part {
            case .word(let spelling, _): [spelling]
            case .slot(let slot, let capture): [spelling(captures[capture], slot)]
            case .optional(let inner, let capture): captures.isPresent(capture) ? canonical(inner, captures) : []
            case .alternatives(let branches, let capture):
                captures.alternative(capture).map { canonical(branches[$0], captures) } ?? []
            }
        }
    }

    static func spelling(_ value: Value, _ slot: Slot) -> String {
        switch value {
        case .absent, .present, .alternative: ""
        case .number(let number):
            slot == .mode ? Spelling.octal(UInt16(number)) : slot == .size ? Spelling.size(number) : String(number)
        case .duration(let time): time.text
        case .durations(let times): times.map(\.text).joined(separator: ", ")
        case .signal(let signal): signal.spelling
        case .signals(let signals): signals.map(\.spelling).joined(separator: ", ")
        case .text(let text):
            switch slot {
            case .title, .text: Spelling.quoted(text)
            case .regularExpression: Spelling.regularExpression(text)
            case .assignment: Spelling.assignment(text)
            default: Spelling.word(text)
            }
        case .texts(let texts):
            switch slot {
            case .texts: texts.map(Spelling.quoted).joined(separator: ", ")
            case .command: Spelling.command(texts)
            default: texts.map(Spelling.listed).joined(separator: ", ")
            }
        case .owner(let owner): owner.description
        case .restartPolicy(let policy): policy.description
        case .condition(let condition, let isNegated): isNegated ? condition.negated : condition.description
        }
    }
}
