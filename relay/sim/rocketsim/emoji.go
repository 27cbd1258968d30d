package rocketsim

import (
	"slices"
	"strings"
)

// emojiNames are names of emoji that the server knows without a custom one, as far as this simulator does: the common ones of
// emoji-toolkit.
const emojiNames = `
+1 -1 100 1234 airplane alarm_clock alien ambulance angel anger angry anguished apple arrow_down arrow_left arrow_right arrow_up
arrows_counterclockwise art astonished baby ballot_box_with_check balloon banana bar_chart baseball basketball bear bee beer beers
bell bicyclist birthday black_heart blue_heart blush boat bomb book bookmark books boom bow brain bread broken_heart brown_heart bug
building_construction bulb bus busts_in_silhouette cactus cake calendar camera car cat chart_with_downwards_trend
chart_with_upwards_trend check_mark checkered_flag cherries chicken christmas_tree clap clapper clipboard clock1 cloud clown coffee
cold_sweat computer confetti_ball confounded confused construction construction_worker cookie cool cop cow crescent_moon
crossed_fingers crown cry crystal_ball cyclone dart dash date desktop disappointed dizzy dizzy_face dog dollar dolphin door doughnut
dragon droplet ear earth_africa egg eggplant electric_plug elephant email envelope exclamation expressionless eye eyes face_palm
facepalm fearful file_folder fire fish fist flag_black flag_white floppy_disk flushed footprints fork_and_knife four_leaf_clover fox
frog frowning frowning2 game_die gear gem ghost gift globe_with_meridians goat grapes green_apple green_heart grey_exclamation
grey_question grimacing grin grinning guitar gun hammer hammer_and_wrench hamster handshake hash hatched_chick headphones
hear_no_evil heart heart_eyes heartbeat heavy_check_mark heavy_minus_sign heavy_multiplication_x heavy_plus_sign herb hibiscus horse
hospital hot_pepper hotdog hourglass hourglass_flowing_sand house hugging hushed ice_cream icecream imp inbox_tray
information_source innocent joy joy_cat jack_o_lantern key keyboard kiss kissing kissing_heart knife koala label laughing leaves
ledger lemon link lion_face lips lobster lock lollipop loudspeaker love_letter low_brightness mag mag_right mailbox mask medal mega
memo microphone microscope money_mouth moneybag monkey monkey_face moon mortar_board mountain mouse mouth movie_camera muscle
mushroom musical_note mute nail_care nerd neutral_face new newspaper no_entry no_entry_sign no_good no_mouth nose
notebook notes nut_and_bolt octagonal_sign octopus ocean ok ok_hand older_man older_woman open_hands open_mouth orange_heart ox
package page_facing_up palm_tree panda_face paperclip parrot party_popper partying_face pear pencil pencil2 penguin
pensive performing_arts persevere pig pill pineapple pizza point_down point_left point_right point_up poop potato pray
printer punch purple_heart purse pushpin question rabbit radioactive rage rainbow raised_hand raised_hands raising_hand ram
rat recycle red_car red_circle relaxed relieved repeat rice robot rocket rofl rolling_eyes rose rotating_light runner sandwich santa
satellite scales school scissors scream scroll see_no_evil seedling shark sheep shell shield shipit shrug
skull sleeping sleepy slight_frown slight_smile smile smile_cat smiley smiling_imp smirk snail snake snowflake snowman sob soccer
sparkles sparkling_heart speak_no_evil speaker speech_balloon star star2 star_struck stars stop_sign stopwatch strawberry stuck_out_tongue
stuck_out_tongue_winking_eye sun_with_face sunflower sunglasses sunny surfer sweat sweat_drops sweat_smile syringe taco tada
tangerine taxi tea telephone telephone_receiver telescope tennis tent thermometer thinking thought_balloon thumbsdown thumbsup
ticket tiger timer tired_face tomato tongue toolbox tools train trex triangular_flag_on_post triumph trophy truck trumpet
tulip turtle tv two_hearts umbrella unamused unicorn unlock upside_down v vertical_traffic_light
volcano vulcan warning wastebasket watch watermelon wave weary whale white_check_mark white_circle white_heart wink
wolf woman woozy_face worried wrench writing_hand x yellow_heart yum zany_face zap zipper_mouth zzz
`

// emoji is the name of an emoji between colons; colons in the name as it came do not count. A character is no name.
func (s *Server) emoji(name string) (string, error) {
	bare := strings.ReplaceAll(name, ":", "")
	if bare == "" || !slices.Contains(s.cfg.CustomEmoji, bare) && !slices.Contains(strings.Fields(emojiNames), bare) {
		return "", refuseIn("setReaction", "error-not-allowed", "Invalid emoji provided.")
	}
	return ":" + bare + ":", nil
}
