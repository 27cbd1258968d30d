package rocketchat

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxEmoji bounds the name of an emoji, in bytes.
const maxEmoji = 100

// emojiNames returns the names, without colons, under which the platform may know an emoji that is given as itself or by name,
// the best first. The platform has reactions by name alone, and of an emoji with a tone of skin it may know only the one
// without.
func emojiNames(emoji string) ([]string, error) {
	name := strings.Trim(emoji, ":")
	switch {
	case name == "":
		return nil, errors.New("the emoji is missing")
	case len(emoji) > maxEmoji:
		return nil, fmt.Errorf("the emoji is %d bytes long, at most %d are allowed", len(emoji), maxEmoji)
	case isEmojiName(name):
		return []string{name}, nil
	}
	plain, tone := cutTone(strings.ReplaceAll(name, "\ufe0f", ""))
	name = flagName(plain)
	if name == "" {
		name = emojiName(plain)
	}
	switch {
	case name == "":
		return nil, fmt.Errorf("the emoji %q has no name here that Rocket.Chat knows: give its name, such as :tada: for a party", emoji)
	case tone > 0:
		return []string{fmt.Sprintf("%s_tone%d", name, tone), name}, nil
	}
	return []string{name}, nil
}

func isEmojiName(s string) bool { return strings.Trim(s, base62+"-_+.") == "" }

// cutTone takes the tone of skin out of an emoji: 1 to 5, or 0 if it has none.
func cutTone(emoji string) (plain string, tone int) {
	const first, last = '\U0001f3fb', '\U0001f3ff'
	plain = strings.Map(func(r rune) rune {
		if r < first || r > last {
			return r
		}
		tone = int(r-first) + 1
		return -1
	}, emoji)
	if plain == "" { // the tone alone
		return emoji, 0
	}
	return plain, tone
}

// flagName returns the name of a country's flag, which is two letters.
func flagName(emoji string) string {
	if utf8.RuneCountInString(emoji) != 2 {
		return ""
	}
	name := "flag_"
	for _, r := range emoji {
		if !isRegional(r) {
			return ""
		}
		name += string('a' + r - 0x1f1e6)
	}
	return name
}

// emojiName returns the name of an emoji, or "".
func emojiName(emoji string) string {
	found := false
	for word := range strings.FieldsSeq(emojiTable) {
		if found {
			return word
		}
		found = word == emoji
	}
	return ""
}

// emojiTable has the emojis that people react with most, without variation selectors, each before its name in the set that
// Rocket.Chat uses (JoyPixels, formerly EmojiOne). Others have to be given by name.
const emojiTable = `
👍 thumbsup 👎 thumbsdown 👌 ok_hand ✌ v 🤞 fingers_crossed 🤘 metal 🤙 call_me 👈 point_left 👉 point_right 👆 point_up_2
👇 point_down ☝ point_up ✋ raised_hand 🤚 raised_back_of_hand 🖐 hand_splayed 🖖 vulcan 👋 wave 👏 clap 🙌 raised_hands
👐 open_hands 🙏 pray 🤝 handshake 💪 muscle 👊 punch ✊ fist ✍ writing_hand 🤷 shrug 🤦 face_palm 🙋 raising_hand 🙅 no_good
🙆 ok_woman 🙇 bow 💁 information_desk_person 👀 eyes 👁 eye 🧠 brain 👅 tongue 👄 lips 👂 ear 👃 nose 😀 grinning 😃 smiley
😄 smile 😁 grin 😆 laughing 😅 sweat_smile 🤣 rofl 😂 joy 🙂 slight_smile 🙃 upside_down 😉 wink 😊 blush 😇 innocent
🥰 smiling_face_with_3_hearts 😍 heart_eyes 🤩 star_struck 😘 kissing_heart 😗 kissing 😚 kissing_closed_eyes
😙 kissing_smiling_eyes 😋 yum 😛 stuck_out_tongue 😜 stuck_out_tongue_winking_eye 😝 stuck_out_tongue_closed_eyes
🤑 money_mouth 🤗 hugging 🤔 thinking 🤐 zipper_mouth 😐 neutral_face 😑 expressionless 😶 no_mouth 😏 smirk 😒 unamused
🙄 rolling_eyes 😬 grimacing 🤥 lying_face 😌 relieved 😔 pensive 😪 sleepy 🤤 drooling_face 😴 sleeping 😷 mask
🤒 thermometer_face 🤕 head_bandage 🤢 nauseated_face 🤧 sneezing_face 😵 dizzy_face 🤯 exploding_head 🤠 cowboy
🥳 partying_face 😎 sunglasses 🤓 nerd 🧐 face_with_monocle 😕 confused 😟 worried 🙁 slight_frown ☹ frowning2 😮 open_mouth
😯 hushed 😲 astonished 😳 flushed 🥺 pleading_face 😦 frowning 😧 anguished 😨 fearful 😰 cold_sweat 😥 disappointed_relieved
😢 cry 😭 sob 😱 scream 😖 confounded 😣 persevere 😞 disappointed 😓 sweat 😩 weary 😫 tired_face 😤 triumph 😡 rage 😠 angry
🤬 face_with_symbols_over_mouth 😈 smiling_imp 👿 imp 💀 skull 💩 poop 🤡 clown 👻 ghost 👽 alien 🤖 robot 😺 smiley_cat
😸 smile_cat 😹 joy_cat 😻 heart_eyes_cat 🙀 scream_cat 🙈 see_no_evil 🙉 hear_no_evil 🙊 speak_no_evil ❤ heart
🧡 orange_heart 💛 yellow_heart 💚 green_heart 💙 blue_heart 💜 purple_heart 🖤 black_heart 💔 broken_heart 💕 two_hearts
💖 sparkling_heart 💗 heartpulse 💘 cupid 💝 gift_heart 💯 100 💢 anger 💥 boom 💫 dizzy 💦 sweat_drops 💨 dash 💬 speech_balloon
💭 thought_balloon 💤 zzz 🔥 fire ✨ sparkles ⭐ star 🌟 star2 ⚡ zap ☀ sunny 🌈 rainbow ☁ cloud ❄ snowflake 🌍 earth_africa
🌎 earth_americas 🌏 earth_asia 🌙 crescent_moon 🎉 tada 🎊 confetti_ball 🎈 balloon 🎁 gift 🎂 birthday 🍰 cake 🍕 pizza
🍔 hamburger 🍟 fries 🍺 beer 🍻 beers 🍷 wine_glass 🍾 champagne 🥂 champagne_glass ☕ coffee 🍎 apple 🍌 banana 🍓 strawberry
🍪 cookie 🏆 trophy 🏅 medal 🥇 first_place 🥈 second_place 🥉 third_place ⚽ soccer 🏀 basketball 🎯 dart 🎮 video_game
🎵 musical_note 🎶 notes 🎤 microphone 🎧 headphones 🎨 art 🎬 clapper 🚀 rocket ✈ airplane 🚗 red_car 🚲 bike 🚢 ship
🚨 rotating_light 🚧 construction 🚦 vertical_traffic_light 🏠 house 🏢 office 🌳 deciduous_tree 🌱 seedling 🌹 rose
🌻 sunflower 🍀 four_leaf_clover 🍁 maple_leaf 🐶 dog 🐱 cat 🐭 mouse 🐰 rabbit 🦊 fox 🐻 bear 🐼 panda_face 🦁 lion_face 🐮 cow
🐷 pig 🐸 frog 🐵 monkey_face 🐔 chicken 🐧 penguin 🐦 bird 🦆 duck 🦄 unicorn 🐝 bee 🐛 bug 🦋 butterfly 🐌 snail 🐢 turtle
🐍 snake 🐙 octopus 🐳 whale 🐬 dolphin ✅ white_check_mark ☑ ballot_box_with_check ✔ heavy_check_mark ❌ x
❎ negative_squared_cross_mark ❓ question ❔ grey_question ❗ exclamation ❕ grey_exclamation ‼ bangbang ⁉ interrobang
⚠ warning ⛔ no_entry 🚫 no_entry_sign 🛑 octagonal_sign ♻ recycle ➕ heavy_plus_sign ➖ heavy_minus_sign
➗ heavy_division_sign ✖ heavy_multiplication_x 🔴 red_circle 🔵 blue_circle ⚪ white_circle ⚫ black_circle
🔶 large_orange_diamond 🔷 large_blue_diamond ▶ arrow_forward ⏸ pause_button ⏹ stop_button ⏩ fast_forward ⏪ rewind
🔁 repeat 🔄 arrows_counterclockwise ⬆ arrow_up ⬇ arrow_down ⬅ arrow_left ➡ arrow_right ↩ leftwards_arrow_with_hook 🆗 ok
🆕 new 🆒 cool 🆓 free 🆘 sos 🔝 top 🔜 soon ℹ information_source 💡 bulb 🔔 bell 🔕 no_bell 🔒 lock 🔓 unlock 🔑 key 🔍 mag
🔎 mag_right 🔗 link 🔨 hammer 🔧 wrench ⚙ gear 🛠 tools 🧪 test_tube 💻 computer 📱 mobile_phone ☎ telephone
📞 telephone_receiver 💾 floppy_disk 📷 camera 📺 tv ⏰ alarm_clock ⏳ hourglass_flowing_sand ⌛ hourglass ⌚ watch 📅 date
📆 calendar 📈 chart_with_upwards_trend 📉 chart_with_downwards_trend 📊 bar_chart 📋 clipboard 📌 pushpin 📍 round_pushpin
📎 paperclip 📝 pencil ✏ pencil2 📖 book 📚 books 📦 package 📧 e-mail ✉ envelope 📨 incoming_envelope 📢 loudspeaker 📣 mega
💰 moneybag 💸 money_with_wings 💎 gem 👑 crown 🎓 mortar_board 🏁 checkered_flag 🚩 triangular_flag_on_post 🏳 flag_white
🏴 flag_black 👤 bust_in_silhouette 👥 busts_in_silhouette 👶 baby 👦 boy 👧 girl 👨 man 👩 woman
`
