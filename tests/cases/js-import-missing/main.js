import _ from "lodash";
result = _.chunk([1, 2, 3], 2);
