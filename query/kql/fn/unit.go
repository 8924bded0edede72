package fn

import "strings"

// A unit is a factor to the base of its kind. Names are those of the
// documentation of convert_angle, convert_energy and so on.
var units = map[string]map[string]float64{
	"angle": {"arcminute": 1.0 / 60, "arcsecond": 1.0 / 3600, "centiradian": 57.29577951308232 / 100, "degree": 1, "gradian": 0.9,
		"milliradian": 57.29577951308232 / 1000, "radian": 57.29577951308232, "revolution": 360, "tilt": 360, "deciradian": 5.729577951308232,
		"microdegree": 1e-6, "microradian": 57.29577951308232e-6, "millidegree": 1e-3, "nanodegree": 1e-9, "nanoradian": 57.29577951308232e-9, "natomil": 0.05625},
	"energy": {"britishthermalunit": 1055.05585262, "calorie": 4.184, "erg": 1e-7, "footpound": 1.355817948, "gigajoule": 1e9, "gigawatthour": 3.6e12,
		"horsepowerhour": 2684519.537696172792, "joule": 1, "kilobritishthermalunit": 1055055.85262, "kilocalorie": 4184, "kilojoule": 1e3,
		"kilowatthour": 3.6e6, "megacalorie": 4.184e6, "megajoule": 1e6, "megawatthour": 3.6e9, "millijoule": 1e-3, "terawatthour": 3.6e15,
		"watthour": 3600, "wattday": 86400, "kilowattday": 8.64e7, "megawattday": 8.64e10, "gigawattday": 8.64e13, "terawattday": 8.64e16,
		"electronvolt": 1.602176565e-19, "kiloelectronvolt": 1.602176565e-16, "megaelectronvolt": 1.602176565e-13, "gigaelectronvolt": 1.602176565e-10,
		"teraelectronvolt": 1.602176565e-7, "megabritishthermalunit": 1.05505585262e9, "gigabritishthermalunit": 1.05505585262e12,
		"thermec": 1.05505585262e8, "thermus": 1.054804e8, "thermimperial": 1.05505585257348e8, "decathermec": 1.05505585262e9, "decathermus": 1.054804e9, "decathermimperial": 1.05505585257348e9},
	"force": {"decanewton": 10, "dyn": 1e-5, "kilogramforce": 9.80665, "kilonewton": 1e3, "kilopond": 9.80665, "kilopoundforce": 4448.2216152605095,
		"meganewton": 1e6, "micronewton": 1e-6, "millinewton": 1e-3, "newton": 1, "ounceforce": 0.27801385095378125, "poundal": 0.138254954376,
		"poundforce": 4.4482216152605095, "shortton": 8896.443230521, "tonneforce": 9806.65},
	"length": {"angstrom": 1e-10, "astronomicalunit": 1.495978707e11, "centimeter": 0.01, "chain": 20.1168, "decimeter": 0.1, "fathom": 1.8288, "foot": 0.3048,
		"hand": 0.1016, "hectometer": 100, "inch": 0.0254, "kilometer": 1e3, "lightyear": 9.46073047258e15, "meter": 1, "microinch": 2.54e-8, "micrometer": 1e-6,
		"mil": 2.54e-5, "mile": 1609.344, "millimeter": 1e-3, "nanometer": 1e-9, "nauticalmile": 1852, "parsec": 3.08567758128e16, "shackle": 27.432, "yard": 0.9144,
		"datamile": 1828.8, "decameter": 10, "dtppica": 0.0254 / 6, "dtppoint": 0.0254 / 72, "kilolightyear": 9.46073047258e18, "kiloparsec": 3.08567758128e19,
		"megalightyear": 9.46073047258e21, "megaparsec": 3.08567758128e22, "printerpica": 1 / 237.106301584, "printerpoint": 0.0254 / 72.27,
		"solarradius": 6.9551e8, "twip": 0.0254 / 1440, "ussurveyfoot": 1200.0 / 3937},
	"mass": {"centigram": 1e-5, "decagram": 0.01, "decigram": 1e-4, "grain": 6.479891e-5, "gram": 1e-3, "hectogram": 0.1, "kilogram": 1, "kilopound": 453.59237,
		"kilotonne": 1e6, "longhundredweight": 50.80234544, "longton": 1016.0469088, "megapound": 453592.37, "megatonne": 1e9, "microgram": 1e-9, "milligram": 1e-6,
		"nanogram": 1e-12, "ounce": 0.028349523125, "pound": 0.45359237, "shorthundredweight": 45.359237, "shortton": 907.18474, "slug": 14.593902937206, "solarmass": 1.98947e30,
		"stone": 6.35029318, "tonne": 1e3, "earthmass": 5.9722e24},
	"speed": {"centimeterperhour": 0.01 / 3600, "centimeterperminute": 0.01 / 60, "centimeterpersecond": 0.01, "decimeterperminute": 0.1 / 60, "decimeterpersecond": 0.1,
		"footperhour": 0.3048 / 3600, "footperminute": 0.3048 / 60, "footpersecond": 0.3048, "inchperhour": 0.0254 / 3600, "inchperminute": 0.0254 / 60, "inchpersecond": 0.0254,
		"kilometerperhour": 1 / 3.6, "kilometerperminute": 1000.0 / 60, "kilometerpersecond": 1e3, "knot": 1852.0 / 3600, "meterperhour": 1.0 / 3600, "meterperminute": 1.0 / 60,
		"meterpersecond": 1, "micrometerperminute": 1e-6 / 60, "micrometerpersecond": 1e-6, "mileperhour": 0.44704, "millimeterperhour": 1e-3 / 3600,
		"millimeterperminute": 1e-3 / 60, "millimeterpersecond": 1e-3, "nanometerperminute": 1e-9 / 60, "nanometerpersecond": 1e-9, "yardperhour": 0.9144 / 3600,
		"yardperminute": 0.9144 / 60, "yardpersecond": 0.9144},
	"volume": {"cubiccentimeter": 1e-6, "cubicdecimeter": 1e-3, "cubicfoot": 0.028316846592, "cubicinch": 1.6387064e-5, "cubickilometer": 1e9, "cubicmeter": 1, "cubicmile": 4168181825.440579584,
		"cubicmillimeter": 1e-9, "cubicyard": 0.764554857984, "centiliter": 1e-5, "deciliter": 1e-4, "hectoliter": 0.1, "imperialgallon": 0.00454609, "kiloliter": 1, "liter": 1e-3,
		"megaliter": 1e3, "microliter": 1e-9, "milliliter": 1e-6, "oilbarrel": 0.158987294928, "uscup": 2.365882365e-4, "usgallon": 0.003785411784, "uspint": 4.73176473e-4,
		"usquart": 9.46352946e-4, "usounce": 2.95735295625e-5, "ustablespoon": 1.478676478125e-5, "usteaspoon": 4.92892159375e-6,
		"acrefoot": 1 / 0.000810714, "autablespoon": 2e-5, "boardfoot": 2.359737216e-3, "cubichectometer": 1e6, "cubicmicrometer": 1e-18, "decaliter": 1e-2,
		"decausgallon": 0.03785411784, "deciusgallon": 3.785411784e-4, "hectocubicfoot": 2.8316846592, "hectocubicmeter": 100, "hectousgallon": 0.3785411784,
		"imperialbeerbarrel": 0.16365924, "imperialounce": 2.84130625e-5, "imperialpint": 5.6826125e-4, "kilocubicfoot": 28.316846592, "kilocubicmeter": 1e3,
		"kiloimperialgallon": 4.54609, "kilousgallon": 3.785411784, "megacubicfoot": 28316.846592, "megaimperialgallon": 4546.09, "megausgallon": 3785.411784,
		"metriccup": 2.5e-4, "metricteaspoon": 5e-6, "nanoliter": 1e-12, "uktablespoon": 1.5e-5, "usbeerbarrel": 0.117347765304, "uscustomarycup": 2.365882365e-4,
		"uslegalcup": 2.4e-4},
}

// A scale of temperature is kelvin = (x + before) * factor + after.
var scales = map[string][3]float64{
	"kelvin": {0, 1, 0}, "degreecelsius": {0, 1, 273.15}, "degreefahrenheit": {459.67, 5.0 / 9, 0}, "degreerankine": {0, 5.0 / 9, 0},
	"degreereaumur": {0, 1.25, 273.15}, "degreenewton": {0, 100.0 / 33, 273.15}, "degreedelisle": {0, -2.0 / 3, 373.15}, "degreeroemer": {-7.5, 40.0 / 21, 273.15},
	"millidegreecelsius": {0, 1e-3, 273.15},
}

func convertUnit(kind string, x float64, from, to string) (float64, bool) {
	from, to = strings.ToLower(from), strings.ToLower(to)
	if kind == "temperature" {
		a, ok := scales[from]
		b, ok2 := scales[to]
		return ((x+a[0])*a[1]+a[2]-b[2])/b[1] - b[0], ok && ok2
	}
	a, ok := units[kind][from]
	b, ok2 := units[kind][to]
	if !ok || !ok2 {
		return 0, false
	}
	return x * a / b, true
}
