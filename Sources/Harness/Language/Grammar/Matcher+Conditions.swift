import Model
import Vocabulary

/// Conditions, which are forms within a form.
extension Matcher {
    mutating func question(_ slot: Slot) -> Value? {
        var isNegated = false
        if let token = next, token.word == grammar.no, !beginsOwnNo(position) {
            isNegated = true
            position += 1
            if let second = next, second.word == grammar.no || second.word == grammar.nobody {
                let said = text.text(second)
                expect {
                    $0.values.append(.condition)
                    $0.id = .unexpected
                    $0.message = "'no \(said)' turns the answer round twice"
                }
                return nil
            }
        }
        let outer = captures
        defer { captures = outer }
        let start = position
        guard let form = find(in: grammar.conditions, from: start, toEnd: false) else {
            if complaint != nil { explainNoCondition(at: start) }
            return nil
        }
        var condition: Condition?
        form.apply(&condition, captures)
        return condition.map { .condition($0, isNegated: isNegated) }
    }

    /// `no zombies`, `no processes left` and `no service killed` are conditions of their own.
    func beginsOwnNo(_ position: Int) -> Bool {
        guard position + 1 < Int(line.endOfTokens) else { return false }
        let word = text.tokens[position + 1].word
        guard word != Words.none else { return false }
        if word == grammar.zombies || word == grammar.processes { return true }
        // A service may be called `service`: `no service killed` is the condition, anything else is about that service.
        return word == grammar.service && position + 2 < Int(line.endOfTokens)
            && text.tokens[position + 2].word == grammar.killed
    }

    /// Nothing that begins so is a condition: what comes after the names decides, or else the first word.
    mutating func explainNoCondition(at start: Int) {
        guard (complaint?.position ?? -1) <= start, let first = start < Int(line.endOfTokens) ? text.tokens[start] : nil
        else {
            if (complaint?.position ?? -1) <= start { expect { $0.values.append(.condition) } }
            return
        }
        if text.text(first) == "not" {
            position = start
            return expect {
                $0 = Complaint(position: start, values: [.condition], message: "'not' is not a condition")
                $0.id = .unknownWord
                $0.suggestion = "no"
            }
        }
        let verb = endOfList(from: start)
        let isKnownVerb = verb.map { !grammar.conditions.saying($0).isEmpty } ?? false
        var place = start
        if verb != nil, isKnownVerb || grammar.conditions.beginning(with: first.word).isEmpty {
            place = start + 1
            while text.bytes[Int(text.tokens[place - 1].end) - 1] == 0x2C
                || text.bytes[Int(text.tokens[place].start)] == 0x2C
            {
                place += 1
            }
        }
        let said = shown(text.text(text.tokens[place]))
        let suggestion = nearest(to: said, among: grammar.conditions.keys(grammar.words).filter { $0 != said })
        if isKnownVerb, place > start + 1 {
            position = place
            return expect {
                $0.values = [.condition]
                $0.message = "'\(said)' is said of one service"
            }
        }
        if isKnownVerb { return }
        if verb == nil, suggestion == nil, grammar.conditions.beginning(with: first.word).isEmpty {
            position = Int(line.endOfTokens)
            return expect { $0.values = [.condition] }
        }
        position = place
        expect {
            $0.values = [.condition]
            $0.words = []
            $0.id = .unknownWord
            $0.message = "'\(said)' is not a condition"
            $0.suggestion = suggestion
        }
    }
}
